/* The keys of the review desk, and totals that follow the criteria. The page works without it. */
"use strict";

const form = document.getElementById("desk-form");
const total = document.getElementById("id_points");
const number = (text = "") => Number.parseFloat(text.trim().replace(",", "."));
const shown = (value) => String(Math.round(value * 100) / 100);

const keys = {
  a: () => document.getElementById("approve")?.click(),
  s: () => document.getElementById("save")?.click(),
  n: () => document.getElementById("next")?.click(),
  p: () => document.getElementById("previous")?.click(),
  o: () => total?.select(),
  f: () => document.getElementById("id_feedback")?.focus(),
  "?": () => document.getElementById("keys")?.click(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (typing && event.key === "Escape") {
    event.target.blur();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) {
    return;
  }
  event.preventDefault();
  // A key that is held down must not wave through papers that nobody has read.
  if (!event.repeat) {
    keys[event.key]();
  }
});

// A criterion's buttons stand for its field: they show which value it holds, and set it.
const criteria = form ? [...form.querySelectorAll("[data-criterion]")] : [];
const field = (criterion) => criterion.querySelector("input");
// What a person set differently from the proposal shows at once, not only after saving.
const differ = (proposal, value, place) => {
  const proposed = number(proposal.dataset.proposed);
  place.classList.toggle("changed", !Number.isNaN(proposed) && !Number.isNaN(value) && value !== proposed);
};
const mark = (criterion) => {
  const value = number(field(criterion).value);
  for (const button of criterion.querySelectorAll("button")) {
    const on = number(button.dataset.points) === value;
    button.classList.toggle("on", on);
    button.classList.toggle("was", !on && button.classList.contains("proposed"));
    button.setAttribute("aria-pressed", String(on));
  }
  differ(criterion, value, criterion.closest("li"));
};
const markTotal = () => {
  if (total) {
    differ(total.closest(".total"), number(total.value), total.closest(".margin"));
  }
};
const addUp = () => {
  const values = criteria.map((criterion) => number(field(criterion).value));
  if (total && !values.some(Number.isNaN)) {
    total.value = shown(values.reduce((sum, value) => sum + value, 0));
  }
  markTotal();
};
for (const criterion of criteria) {
  const buttons = [...criterion.querySelectorAll("button")];
  if (buttons.length) {
    buttons.forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", () => {
        field(criterion).value = shown(number(button.dataset.points));
        field(criterion).dispatchEvent(new Event("input", { bubbles: true }));
      });
    });
  }
  field(criterion).addEventListener("input", () => {
    mark(criterion);
    addUp();
  });
  mark(criterion);
}

total?.addEventListener("input", markTotal);

// Typed work is not lost by a closed tab without a word.
let dirty = form !== null && "unsaved" in form.dataset;
form?.addEventListener("input", () => {
  dirty = true;
});
form?.addEventListener("submit", () => {
  dirty = false;
});
window.addEventListener("beforeunload", (event) => {
  if (dirty) {
    event.preventDefault();
  }
});
