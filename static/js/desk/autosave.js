/* What is typed is kept: in this browser at once, on the server a moment later. A save of an older edition is refused
   by the server, and then both are shown; nothing is ever written over in silence. */
"use strict";

{
  const PAUSE = 700;
  const RETRY = 5000;
  let dirty = false;
  let merging = false; // the page shows two versions: only a button saves
  let stuck = false; // refused: waits for the person
  let running = null;
  let timer = 0;
  let changes = 0;

  const key = () => `marginalia-desk-${desk.form().dataset.grade}`;
  const state = (words, warn = false) => {
    const line = document.getElementById("save-state");
    if (line) {
      line.textContent = words;
      line.classList.toggle("warn", warn);
    }
  };
  const word = (name) => document.getElementById("save-state").dataset[name];
  const fields = () => [...desk.form().querySelectorAll("input:not([type=hidden]), textarea")];
  const edition = () => desk.form().elements.edition;

  const keep = () => {
    const values = Object.fromEntries(fields().map((field) => [field.name, field.value]));
    try {
      localStorage.setItem(key(), JSON.stringify({ edition: edition().value, values }));
    } catch {
      // A full or forbidden store: the server still gets it.
    }
  };
  const forget = () => {
    try {
      localStorage.removeItem(key());
    } catch {
      // Nothing was kept either.
    }
  };
  const kept = () => {
    try {
      return JSON.parse(localStorage.getItem(key()));
    } catch {
      return null;
    }
  };

  const refuse = (words) => {
    stuck = true;
    state(words, true);
  };
  const send = async (keepalive) => {
    const form = desk.form();
    const sent = changes;
    state(word("saving"));
    let answer;
    try {
      answer = await fetch(form.dataset.autosave, { method: "POST", body: new FormData(form), keepalive });
      if (!answer.headers.get("Content-Type")?.includes("json")) {
        throw new Error("not the desk's answer");
      }
      const said = await answer.json();
      if (answer.ok) {
        edition().value = said.edition;
        dirty = changes !== sent;
        state(dirty ? word("typing") : said.words);
        dirty ? keep() : forget();
        document.querySelectorAll("#desk-form ~ * [name=edition]").forEach((other) => (other.value = said.edition));
        return !dirty;
      }
      refuse(said.words);
      if (answer.status === 409) {
        document.getElementById("compare").hidden = false;
        merging = true;
      }
    } catch {
      state(word("failed"), true);
      timer = setTimeout(save, RETRY);
    }
    return false;
  };
  const save = async (keepalive = false) => {
    clearTimeout(timer);
    if (running) {
      await running;
    }
    if (!dirty || merging || stuck) {
      return !dirty;
    }
    running = send(keepalive === true);
    const done = await running;
    running = null;
    return done;
  };

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  };

  desk.dirty = () => dirty;
  desk.busy = () => dirty || running !== null || merging;
  desk.flush = async () => {
    while (dirty && !merging && !stuck) {
      if (!(await save()) && changes && !running && dirty) {
        break;
      }
    }
    return !dirty;
  };

  desk.onPaper(() => {
    clearTimeout(timer);
    dirty = merging = stuck = false;
    if (!desk.form()) {
      return;
    }
    merging = "unsaved" in desk.form().dataset;
    dirty = merging;
    if (merging) {
      document.getElementById("save").hidden = false;
      keep();
      return;
    }
    const draft = kept();
    if (!draft) {
      return;
    }
    const changed = fields().filter((field) => field.name in draft.values && draft.values[field.name] !== field.value);
    if (!changed.length) {
      forget();
      return;
    }
    const old = draft.edition !== edition().value;
    changed.forEach((field) => {
      field.value = draft.values[field.name];
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    if (old) {
      clearTimeout(timer);
      merging = true;
      edition().value = draft.edition;
      keep();
      document.getElementById("compare").hidden = false;
      state(word("old"), true);
    } else {
      state(word("kept"));
    }
  });

  document.addEventListener("input", (event) => {
    if (!desk.form() || event.target.form !== desk.form()) {
      return;
    }
    dirty = true;
    stuck = false;
    changes += 1;
    keep();
    if (!merging) {
      state(word("typing"));
      later();
    }
  });

  // Approve, and save where two versions are compared: all that is in the form goes at once.
  const decide = async (form, button) => {
    clearTimeout(timer);
    if (running) {
      await running;
    }
    const body = new FormData(form);
    if (button?.name) {
      body.append(button.name, button.value);
    }
    const mine = key();
    form.dataset.busy = "yes";
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Desk": "1" } });
      if (answer.headers.get("Content-Type")?.includes("json")) {
        const said = await answer.json();
        dirty = false;
        localStorage.removeItem(mine);
        const next = new URL(said.next, location.href).href;
        // The list is loaded as a page at once: fetched first, it would say to nobody that nothing is left.
        await (said.desk ? desk.show(next) : location.assign(next));
      } else if (!desk.put(await answer.text())) {
        form.submit();
      }
    } catch {
      state(word("offline"), true);
    } finally {
      delete form.dataset.busy;
    }
  };
  document.addEventListener("submit", (event) => {
    if (event.target !== desk.form()) {
      return;
    }
    event.preventDefault();
    if (event.target.dataset.busy) {
      return;
    }
    const button = event.submitter;
    if (merging || button?.id === "approve") {
      decide(event.target, button);
    } else {
      save();
    }
  });

  document.addEventListener("visibilitychange", () => document.hidden && desk.form() && save(true));
  window.addEventListener("online", () => desk.form() && save());
}
