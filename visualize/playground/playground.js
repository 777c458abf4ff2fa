// The form works without this: it only spares the reader from pressing the button.
const form = document.querySelector("form");

function tell(slider) {
	const output = slider.parentElement.querySelector("output");
	output.textContent = `${slider.value} ms`;
}

for (const slider of form.querySelectorAll("input[type=range]")) {
	tell(slider);
	slider.addEventListener("input", () => tell(slider));
}
form.addEventListener("change", () => form.requestSubmit());
form.requestSubmit();
