// How far the rows are scrolled, by whatever means, and the scroll bar beside them.

export class Scrolling {
	/** @param {import("./lanes.js").Lanes} lanes */
	constructor(lanes) {
		this.lanes = lanes;
		this.echo = 0; // where the scroll bar was put
		const { scroller } = lanes.app.part;
		scroller.onscroll = () => {
			// Its own echo, which comes late, moves nothing.
			if (!lanes.scene || Math.abs(scroller.scrollTop - lanes.view.y) < 1 || scroller.scrollTop === this.echo) return;
			if (scroller.scrollTop < lanes.view.y) lanes.follow(false);
			this.to(scroller.scrollTop);
			lanes.refresh();
		};
	}

	/** @param {number} y */
	to(y) {
		const { view, scene, room } = this.lanes;
		if (!scene) return;
		view.y = Math.max(0, Math.min(scene.height - room, y));
		if (view.y !== view.y || scene.height <= room) view.y = 0;
	}

	/** The band on top, and how far it is above the edge. @returns {{key: string, off: number} | null} */
	get anchor() {
		const { scene, view } = this.lanes;
		const row = scene?.rows.find(({ y, height }) => height && y + height > view.y);
		return row ? { key: row.band.key, off: row.band.rows[0].y - view.y } : null;
	}

	/**
	 * After rows were laid out anew: keep the band on top where it was, if it is still there.
	 * @param {{key: string, off: number} | null} anchor
	 */
	keep(anchor) {
		const { view, scene, room, height, app } = this.lanes;
		if (!scene) return;
		const band = anchor && view.y > 0 && scene.bands.find(({ key }) => key === anchor.key);
		if (band) view.y = band.rows[0].y - anchor.off;
		this.to(view.y);
		app.part.scroll.style.setProperty("height", `${scene.height + height - room}px`);
		app.part.scroller.hidden = scene.height <= room;
	}

	/** Put the scroll bar where the rows are. */
	show() {
		const { app, view } = this.lanes;
		const { scroller } = app.part;
		if (Math.abs(scroller.scrollTop - view.y) >= 1) scroller.scrollTop = view.y;
		this.echo = scroller.scrollTop;
	}
}
