/* The desk in one page: the next paper is fetched ahead and put in place without a reload. What the other files need
   of a paper they set up in `desk.onPaper`, which runs for the first paper and for each that takes its place. */
"use strict";

const desk = {
  hooks: [],
  fetched: new Map(),
  onPaper: (hook) => desk.hooks.push(hook),
  form: () => document.getElementById("desk-form"),
  token: () => document.querySelector("#flag-form [name=csrfmiddlewaretoken]").value,
  flush: async () => true, // autosave.js: whether all that was typed is kept by the server
  dirty: () => false,
};
const FRESH = 120_000;
const PARTS = ["main", "messages"];

desk.fetch = async (url) => {
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  return { url: answer.url, html: await answer.text() };
};

desk.ahead = (url) => {
  if (url && !desk.fetched.has(url)) {
    const page = desk.fetch(url);
    page.catch(() => desk.fetched.delete(url));
    desk.fetched.set(url, page);
    setTimeout(() => desk.fetched.delete(url), FRESH);
  }
};

// Put a page in the place of this one; false where it is not the desk (the list, the login).
desk.put = (html) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  if (!page.querySelector(".desk")) {
    return false;
  }
  document.title = page.title;
  document.querySelector(".crumbs").innerHTML = page.querySelector(".crumbs").innerHTML;
  for (const id of PARTS) {
    document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
  }
  desk.hooks.forEach((hook) => hook());
  return true;
};

desk.show = async (url, { push = true } = {}) => {
  const ahead = desk.fetched.get(url);
  desk.fetched.clear();
  try {
    const page = await (ahead ?? desk.fetch(url));
    if (!desk.put(page.html)) {
      location.assign(url);
      return;
    }
    if (push) {
      history.pushState({}, "", page.url);
      window.scrollTo(0, 0);
      document.getElementById("main").focus({ preventScroll: true });
    }
  } catch {
    location.assign(url);
  }
};

desk.go = async (url) => {
  if (await desk.flush()) {
    await desk.show(new URL(url, location.href).href);
  }
};

window.addEventListener("popstate", () => location.reload());

document.addEventListener("click", (event) => {
  const link = event.target.closest("#next, #previous, #skip, #jump-ungraded, #jump-uncertain");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    desk.go(link.href);
  }
});

// Flag and undo load the page anew: first what was typed has to be safe.
document.addEventListener("submit", async (event) => {
  if (event.target.matches("#flag-form, #undo-form, #anchor-form, .anchors form") && desk.dirty()) {
    event.preventDefault();
    delete event.target.dataset.sent;
    if (await desk.flush()) {
      event.target.submit();
    }
  }
});

desk.onPaper(() => {
  document.querySelectorAll(".without-script").forEach((part) => (part.hidden = true));
  document.querySelectorAll(".with-script").forEach((part) => (part.hidden = false));
  for (const id of ["skip", "next"]) {
    desk.ahead(document.getElementById(id)?.href);
  }
});

// The files below this one add their hooks first.
document.addEventListener("DOMContentLoaded", () => desk.hooks.forEach((hook) => hook()));
