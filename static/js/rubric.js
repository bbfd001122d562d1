/* The rubric editor with a script: criteria are added, moved and removed in place, and their points add up as one
   types. Without it the same form has a place number, a box to remove, and a button that adds one by a round trip. */
"use strict";

const form = document.getElementById("rubric-form");
const list = document.getElementById("criteria");
const sum = document.getElementById("rubric-sum");
const total = form.elements["criteria-TOTAL_FORMS"];

const shown = () => [...list.children].filter((item) => !item.classList.contains("removed"));
const field = (item, name) => item.querySelector(`[name$="-${name}"]`);

function useScript(item) {
  item.querySelectorAll(".without-script").forEach((part) => (part.hidden = true));
  item.querySelectorAll(".with-script").forEach((part) => (part.hidden = false));
}

function number() {
  shown().forEach((item, place) => (field(item, "ORDER").value = place + 1));
}

function addUp() {
  const maximum = Number(sum.dataset.maximum);
  const points = shown().map((item) => Number(field(item, "points").value) || 0);
  const added = points.reduce((one, other) => one + other, 0);
  const fits = Math.abs(added - maximum) < 0.001;
  const plain = (value) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 2 });
  sum.textContent = (fits ? sum.dataset.fits : sum.dataset.misfits)
    .replace("{total}", plain(added))
    .replace("{maximum}", plain(maximum));
  sum.classList.toggle("text-danger-emphasis", !fits);
}

function changed() {
  number();
  addUp();
}

document.getElementById("criterion-add").addEventListener("click", (event) => {
  event.preventDefault();
  const template = document.getElementById("criterion-empty");
  const holder = document.createElement("ol");
  holder.innerHTML = template.innerHTML.replaceAll("__prefix__", total.value);
  const item = holder.firstElementChild;
  total.value = Number(total.value) + 1;
  list.append(item);
  useScript(item);
  changed();
  field(item, "title").focus();
});

list.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-move], button[data-remove]");
  if (!button) {
    return;
  }
  const item = button.closest(".criterion");
  const others = shown();
  const place = others.indexOf(item);
  if ("remove" in button.dataset) {
    field(item, "DELETE").checked = true;
    item.classList.add("removed");
    const next = others[place + 1] || others[place - 1];
    (next ? field(next, "title") : document.getElementById("criterion-add")).focus();
  } else if (button.dataset.move === "up" && place > 0) {
    others[place - 1].before(item);
    button.focus();
  } else if (button.dataset.move === "down" && place < others.length - 1) {
    others[place + 1].after(item);
    button.focus();
  }
  changed();
});

list.addEventListener("input", addUp);
[...list.children].forEach((item) => {
  useScript(item);
  item.classList.toggle("removed", field(item, "DELETE").checked);
});
changed();
