/* The keys of the desk. They act only where nobody is typing, and not with Ctrl, Alt or Meta. */
"use strict";

{
  const click = (id) => () => document.getElementById(id)?.click();
  const focus = (id) => () => {
    const field = document.getElementById(id);
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  };
  const keys = {
    a: click("approve"),
    s: click("skip"),
    n: click("next"),
    p: click("previous"),
    j: () => desk.points.move(1),
    k: () => desk.points.move(-1),
    "+": () => desk.points.step(1),
    "-": () => desk.points.step(-1),
    o: () => document.getElementById("id_points")?.select(),
    t: focus("id_feedback"),
    i: focus("id_internal_note"),
    c: () => desk.comment(),
    m: () => desk.anchor(),
    w: () => desk.rewrite(),
    f: click("flag"),
    u: click("undo"),
    e: click("mark-anew"),
    r: focus("id_answer"),
    g: click("jump-ungraded"),
    v: click("jump-uncertain"),
    "/": () => desk.jump(),
    "?": () => document.getElementById("keys-dialog").showModal(),
  };
  for (const digit of "0123456789.,") {
    keys[digit] = () => desk.points.digit(digit);
  }
  desk.keys = keys;
  const STEADY = new Set(["j", "k", "+", "-"]); // held down, these only go on; the others act once

  const off = () => localStorage.getItem("marginalia-keys") === "off";
  const typing = (place) => place.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) {
      return;
    }
    if (typing(event.target)) {
      if (event.key === "Escape") {
        event.target.blur();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) {
      return;
    }
    if (off() && event.key !== "?") {
      return;
    }
    event.preventDefault();
    // A key that is held down must not wave through papers that nobody has read.
    if (!event.repeat || STEADY.has(event.key)) {
      keys[event.key]();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#keys-open")) {
      keys["?"]();
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "keys-on") {
      localStorage.setItem("marginalia-keys", event.target.checked ? "on" : "off");
    }
  });
  desk.onPaper(() => {
    document.getElementById("keys-on").checked = !off();
  });
}
