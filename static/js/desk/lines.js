/* Line numbers for long answers: lines as they are seen, so they are counted anew when the width changes. */
"use strict";

{
  const EVERY = 5;

  const number = () => {
    const answer = document.querySelector(".answer[data-lines]");
    if (!answer) {
      return;
    }
    answer.querySelector(".line-numbers")?.remove();
    const column = document.createElement("div");
    column.className = "line-numbers";
    column.setAttribute("aria-hidden", "true");
    let line = 0;
    for (const text of answer.querySelectorAll(".written")) {
      const height = Number.parseFloat(getComputedStyle(text).lineHeight);
      const lines = Math.round(text.clientHeight / height);
      for (let place = 0; place < lines; place += 1) {
        line += 1;
        if (line % EVERY === 0) {
          const label = document.createElement("span");
          label.textContent = String(line);
          // From the style sheet's side nothing is inline: this goes through the object model, which the policy allows.
          label.style.top = `${text.offsetTop + place * height + (height - 12) / 2}px`;
          column.append(label);
        }
      }
    }
    answer.append(column);
  };

  desk.onPaper(number);
  window.addEventListener("resize", number);
}
