// What a strip of pixels tells apart: each mode, and each other kind of bar.

export const TINTS = [
	"immediate",
	"after_route",
	"after_response",
	"background",
	"spawned",
	"requests",
	"client",
	"busy",
	"spans",
	"group",
	"held",
];
