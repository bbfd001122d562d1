/* Points: a click or a typed figure sets a criterion, the total follows, and what differs from the proposal shows. */
"use strict";

{
  const number = (text = "") => Number.parseFloat(text.trim().replace(",", "."));
  const shown = (value) => String(Math.round(value * 100) / 100);
  const total = () => document.getElementById("id_points");
  const field = (criterion) => criterion.querySelector("input");
  let criteria = [];
  let current = 0;
  let typed = "";
  let typedAt = 0;

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
    if (total()) {
      differ(total().closest(".total"), number(total().value), total().closest(".margin"));
    }
  };
  const addUp = () => {
    const values = criteria.map((criterion) => number(field(criterion).value));
    if (total() && !values.some(Number.isNaN)) {
      total().value = shown(values.reduce((sum, value) => sum + value, 0));
    }
    markTotal();
  };
  const set = (target, text) => {
    target.value = text;
    target.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const show = () => {
    criteria.forEach((criterion, place) => criterion.closest("li").classList.toggle("current", place === current));
  };

  desk.onPaper(() => {
    criteria = [...(desk.form()?.querySelectorAll("[data-criterion]") ?? [])];
    current = 0;
    typed = "";
    for (const criterion of criteria) {
      criterion.querySelectorAll("button").forEach((button) => (button.hidden = false));
      mark(criterion);
    }
    markTotal();
    show();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-criterion] button[data-points]");
    if (button) {
      const criterion = button.closest("[data-criterion]");
      current = criteria.indexOf(criterion);
      show();
      set(field(criterion), shown(number(button.dataset.points)));
    }
  });
  document.addEventListener("input", (event) => {
    const criterion = event.target.closest("[data-criterion]");
    if (criterion) {
      mark(criterion);
      addUp();
    } else if (event.target === total()) {
      markTotal();
    }
  });

  // What digits and + and - act on: the criterion with the bar, or the total where there are no criteria.
  const target = () => (criteria.length ? field(criteria[current]) : total());
  const most = () => number((criteria.length ? criteria[current] : total()?.closest(".total"))?.dataset.most);
  const step = () => number(total()?.closest(".total").dataset.step);

  desk.points = {
    move: (by) => {
      if (criteria.length) {
        current = Math.min(Math.max(current + by, 0), criteria.length - 1);
        typed = "";
        show();
        criteria[current].closest("li").scrollIntoView({ block: "nearest" });
      }
    },
    // Figures that follow each other quickly are one number: 1 . 5 is one and a half. One too high begins anew.
    digit: (key) => {
      if (!target()) {
        return;
      }
      const now = Date.now();
      typed = (now - typedAt < 1000 ? typed : "") + key;
      typedAt = now;
      if (number(typed) > most()) {
        typed = key;
      }
      if (number(typed) <= most()) {
        set(target(), shown(number(typed)));
      }
    },
    step: (by) => {
      if (target()) {
        const value = (number(target().value) || 0) + by * step();
        typed = "";
        set(target(), shown(Math.min(Math.max(value, 0), most())));
      }
    },
  };
}
