// A slider beside a number field. Without it the field and its button do the same.
//
//   <form data-slider method="get"> … <input type="number" min max> … <button> … </form>
function addSliders(scope) {
  for (const form of scope.querySelectorAll("form[data-slider]")) {
    const field = form.querySelector("input[type=number]");
    if (!field || form.querySelector("input[type=range]")) continue;
    const slider = document.createElement("input");
    slider.type = "range";
    slider.className = "app-slider";
    slider.min = field.min;
    slider.max = field.max;
    slider.value = field.value;
    slider.setAttribute("aria-labelledby", form.querySelector(`label[for=${field.id}]`).id);
    slider.addEventListener("input", () => {
      field.value = slider.value;
    });
    field.addEventListener("input", () => {
      slider.value = field.value;
    });
    slider.addEventListener("change", () => form.requestSubmit());
    field.after(slider);
  }
}

addSliders(document);
