// Pointer, wheel and touch on the lanes and on the overview.

const STILL = 4; // pixels that a click may move
const TWICE = 350; // milliseconds

/** @typedef {import("./lanes.js").Lanes} Lanes */
/**
 * @typedef {{pin: (hit: any) => void, zoomTo: (hit: any) => void, tell: (hit: any, x: number, y: number) => void}} Actions
 */

/** @param {Lanes} lanes @param {Actions} actions */
export function listen(lanes, actions) {
	const { stage, strip } = lanes.app.part;
	new Pointers(lanes, stage, actions);
	brushing(lanes, strip);
}

class Pointers {
	/** @param {Lanes} lanes @param {HTMLElement} stage @param {Actions} actions */
	constructor(lanes, stage, actions) {
		this.lanes = lanes;
		this.stage = stage;
		this.actions = actions;
		this.travelled = 0;
		this.measuring = false;
		this.from = 0;
		/** when and where one clicked last, and on what @type {{at: number, x: number, y: number, hit: any}} */
		this.clicked = { at: -TWICE, x: 0, y: 0, hit: null };
		/** @type {Map<number, [number, number]>} */
		this.held = new Map();
		/** @type {(type: string, act: (event: any, x: number, y: number) => void) => void} */
		const on = (type, act) =>
			stage.addEventListener(type, (/** @type {any} */ event) => {
				if (event.target === stage && lanes.scene) act.call(this, event, event.offsetX, event.offsetY);
			});
		on("pointerdown", this.down);
		on("pointermove", this.move);
		on("pointerup", this.up);
		on("pointercancel", ({ pointerId }) => this.held.delete(pointerId));
		on("pointerleave", () => this.hover(null, 0, 0));
		on("wheel", this.wheel);
	}

	/** @param {PointerEvent} event @param {number} x @param {number} y */
	down({ pointerId, shiftKey, button }, x, y) {
		if (button) return;
		this.stage.setPointerCapture(pointerId);
		this.held.set(pointerId, [x, y]);
		this.travelled = 0;
		this.measuring = shiftKey || this.lanes.measuring.next;
		if (this.measuring) this.from = this.lanes.drawn.timeAt(x);
		this.hover(null, 0, 0);
	}

	/** @param {PointerEvent} event @param {number} x @param {number} y */
	move({ pointerId, pointerType }, x, y) {
		const { lanes, held } = this;
		const before = held.get(pointerId);
		if (!before) return pointerType !== "touch" && this.hover(lanes.drawn?.hit(x, y), x, y);
		const [dx, dy] = [x - before[0], y - before[1]];
		const other = [...held].find(([id]) => id !== pointerId)?.[1];
		this.travelled += Math.abs(dx) + Math.abs(dy);
		held.set(pointerId, [x, y]);
		if (other) this.pinch(x, y, dx, dy, other);
		else if (this.measuring) lanes.measuring.take(this.from, lanes.drawn.timeAt(x));
		else if (this.travelled >= STILL) lanes.pan(dx, dy);
	}

	/** @param {number} x @param {number} y @param {number} dx @param {number} dy @param {[number, number]} other */
	pinch(x, y, dx, dy, [otherX, otherY]) {
		const before = Math.hypot(x - dx - otherX, y - dy - otherY);
		this.lanes.zoom(before / Math.max(1, Math.hypot(x - otherX, y - otherY)), otherX);
	}

	/** @param {PointerEvent} event @param {number} x @param {number} y */
	up({ pointerId, timeStamp: at, clientX, clientY }, x, y) {
		if (!this.held.delete(pointerId)) return;
		if (this.measuring) this.lanes.measuring.next = false;
		if (this.travelled >= STILL) return;
		const hit = this.lanes.drawn?.hit(x, y);
		const before = this.clicked;
		this.clicked = { at, x: clientX, y: clientY, hit };
		if (hit?.band && x < 24) this.lanes.fold(hit.band.key);
		// The details that the first click opened may have moved the bar away.
		else if (at - before.at < TWICE && Math.hypot(clientX - before.x, clientY - before.y) < 2 * STILL)
			this.actions.zoomTo(before.hit ?? hit);
		else this.actions.pin(hit?.type ? hit : null);
	}

	/** @param {any} hit @param {number} x @param {number} y */
	hover(hit, x, y) {
		const { lanes } = this;
		const seen = hit?.type ? hit : null;
		const known = lanes.hovered;
		if (seen?.type !== known?.type || seen?.index !== known?.index || seen?.of !== known?.of) lanes.refresh();
		lanes.hovered = seen;
		this.stage.style.setProperty("cursor", hit ? "pointer" : "");
		this.actions.tell(seen, x, y);
	}

	/** @param {WheelEvent} event @param {number} x */
	wheel(event, x) {
		const { lanes } = this;
		const { deltaX, deltaY, shiftKey, ctrlKey, metaKey } = event;
		const lines = event.deltaMode === 1 ? 16 : 1;
		if (ctrlKey || metaKey) {
			event.preventDefault();
			return lanes.zoom(Math.exp(deltaY * lines * 0.008), x);
		}
		const sideways = shiftKey ? deltaX || deltaY : Math.abs(deltaX) > Math.abs(deltaY) ? deltaX : 0;
		if (sideways) {
			event.preventDefault();
			return lanes.pan(-sideways * lines, 0);
		}
		// Where nothing is left to scroll the wheel is the page's, or that of the notebook around it.
		const before = lanes.view.y;
		lanes.pan(0, -deltaY * lines);
		if (lanes.view.y !== before) event.preventDefault();
	}
}

/** @typedef {{kind: string, at: number, begin: number, end: number, moved: boolean}} Held  what one has of the brush */

/** Drag, move and draw the brush of the overview. @param {Lanes} lanes @param {HTMLElement} strip */
function brushing(lanes, strip) {
	const { brush } = lanes.app.part;
	const timeAt = (/** @type {PointerEvent} */ { clientX }) => {
		const { left, width } = strip.getBoundingClientRect();
		return lanes.first + ((clientX - left) / (width || 1)) * (lanes.last - lanes.first);
	};
	/** @type {Held | null} */
	let held = null;
	strip.onpointerdown = (event) => {
		if (!lanes.scene || event.button) return;
		strip.setPointerCapture(event.pointerId);
		const at = timeAt(event);
		const { begin, end } = lanes.view;
		const near = (9 / strip.clientWidth) * (lanes.last - lanes.first);
		const whole = end - begin >= 0.98 * (lanes.last - lanes.first);
		const kind = whole
			? "draw"
			: Math.abs(at - begin) < near
				? "begin"
				: Math.abs(at - end) < near
					? "end"
					: at > begin && at < end
						? "move"
						: "draw";
		held = { kind, at, begin, end, moved: false };
	};
	strip.onpointermove = (event) => {
		if (!held) return;
		const at = timeAt(event);
		held.moved ||= Math.abs(at - held.at) > (2 / strip.clientWidth) * (lanes.last - lanes.first);
		if (!held.moved) return;
		lanes.follow(false);
		if (held.kind === "move") {
			lanes.pan(((held.at - at) / (held.end - held.begin)) * lanes.width, 0);
			held.at = at;
		} else
			brushTo(
				lanes,
				held.kind === "begin" ? at : held.kind === "draw" ? held.at : held.begin,
				held.kind === "end" || held.kind === "draw" ? at : held.end,
			);
	};
	strip.onpointerup = (event) => {
		if (held && !held.moved) center(lanes, timeAt(event));
		held = null;
	};
	strip.onpointercancel = () => (held = null);
	brush.onkeydown = (/** @type {KeyboardEvent} */ event) => {
		const by = event.key === "ArrowLeft" ? -0.1 : event.key === "ArrowRight" ? 0.1 : 0;
		if (!by) return;
		event.preventDefault();
		event.stopPropagation();
		lanes.pan(-by * lanes.width, 0);
	};
}

/** @param {Lanes} lanes @param {number} one @param {number} other */
function brushTo(lanes, one, other) {
	const [begin, end] = [Math.min(one, other), Math.max(one, other)];
	Object.assign(lanes.view, { begin, end: Math.max(end, begin + 10) });
	lanes.fitted = lanes.readable = false;
	lanes.relayout();
}

/** @param {Lanes} lanes @param {number} at */
function center(lanes, at) {
	const half = Math.min((lanes.view.end - lanes.view.begin) / 2, (lanes.last - lanes.first) / 20);
	brushTo(lanes, at - half, at + half);
}
