// How the page looks, and what it is made of: assets.py writes both in here, from page.css and page.html.

export const STYLE = "";
export const MARKUP = "";
