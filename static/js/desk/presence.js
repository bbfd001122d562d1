/* Who else has this paper open: a lease that is renewed while the page is looked at, and runs out by itself. */
"use strict";

{
  const EVERY = 15_000;
  let address = "";
  let timer = 0;

  const body = (fields = {}) => {
    const data = new FormData();
    data.append("csrfmiddlewaretoken", desk.token());
    Object.entries(fields).forEach(([name, value]) => data.append(name, value));
    return data;
  };
  const renew = async () => {
    if (document.hidden) {
      return;
    }
    const asked = address;
    try {
      const answer = await fetch(asked, { method: "POST", body: body() });
      if (!answer.ok || asked !== address) {
        return;
      }
      const said = await answer.json();
      const line = document.getElementById("presence");
      line.textContent = said.words;
      line.hidden = !said.words;
      const form = desk.form();
      // Somebody else saved: show it, unless there is something here that would be lost from sight.
      const theirs = form && form.dataset.grade === String(said.grade) && Number(form.elements.edition.value) < said.edition;
      if (theirs && !desk.busy() && !document.activeElement?.closest("#desk-form")) {
        await desk.show(location.href, { push: false });
      }
    } catch {
      // The next beat tries again.
    }
  };
  const leave = () => address && navigator.sendBeacon(address, body({ leave: "1" }));

  desk.onPaper(() => {
    const here = document.querySelector(".desk").dataset.presence;
    if (address && here !== address) {
      leave();
    }
    if (here !== address) {
      address = here;
      clearInterval(timer);
      timer = setInterval(renew, EVERY);
      renew();
    }
  });
  window.addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", renew);
}
