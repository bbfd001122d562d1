/* Says as one types that the total and its criteria differ. Without it the page says so after the next save. */
"use strict";

{
  const number = (text = "") => Number.parseFloat(String(text).trim().replace(",", "."));
  const shown = (value) => String(Math.round(value * 100) / 100);
  const value = (field, proposed) => (field.value.trim() ? number(field.value) : number(proposed));

  const look = () => {
    const hint = document.getElementById("sum-hint");
    const total = document.getElementById("id_points");
    if (!hint || !total) {
      return;
    }
    const criteria = [...document.querySelectorAll("#desk-form [data-criterion]")];
    const points = criteria.map((row) => value(row.querySelector("input"), row.dataset.proposed));
    const all = value(total, total.closest("[data-proposed]").dataset.proposed);
    const sum = points.reduce((one, other) => one + other, 0);
    hint.hidden = Number.isNaN(sum) || Number.isNaN(all) || Math.abs(sum - all) < 0.005;
    if (!hint.hidden) {
      hint.querySelector("[data-sum]").textContent = shown(sum);
      hint.querySelector("[data-total]").textContent = shown(all);
    }
  };

  // Buttons and keys set fields after their own event: look when they are done.
  for (const event of ["input", "change", "click", "keyup"]) {
    document.addEventListener(event, () => setTimeout(look));
  }
}
