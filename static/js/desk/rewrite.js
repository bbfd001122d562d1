/* Feedback written again to match the points: asked for, waited for, and offered beside the text. Only a click on
   “Take it” puts it in the text's place. */
"use strict";

{
  const EVERY = 1500;
  let timer = 0;

  const box = () => document.getElementById("rewrite");
  const put = async (asked, answer) => {
    if (answer.ok && box() === asked) {
      const holder = document.createElement("div");
      holder.innerHTML = await answer.text();
      asked.replaceWith(holder.querySelector("#rewrite"));
      look();
    }
  };
  const look = () => {
    clearTimeout(timer);
    if (box() && "waiting" in box().dataset) {
      const asked = box();
      timer = setTimeout(() => fetch(asked.dataset.look).then((answer) => put(asked, answer)).catch(look), EVERY);
    }
  };
  const post = async (url) => {
    const asked = box();
    const body = new FormData();
    body.append("csrfmiddlewaretoken", desk.token());
    await put(asked, await fetch(url, { method: "POST", body }));
  };

  // The points that count are the saved ones.
  desk.rewrite = async () => {
    if (box() && (await desk.flush())) {
      await post(box().dataset.ask);
    }
  };

  document.addEventListener("click", async (event) => {
    if (event.target.closest("#rewrite-ask")) {
      desk.rewrite();
    } else if (event.target.closest("#rewrite-discard")) {
      post(box().dataset.end);
    } else if (event.target.closest("#rewrite-take")) {
      const field = document.getElementById("id_feedback");
      field.value = document.getElementById("rewrite-text").textContent;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      await post(box().dataset.end);
      field.focus();
    }
  });
  desk.onPaper(look);
}
