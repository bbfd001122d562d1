/* Lists to choose from by typing: students to jump to. Letters count in their order, wherever they stand. */
"use strict";

{
  // Lower is better; null where the letters are not there. Words' beginnings and runs of letters come first.
  const distance = (wanted, text) => {
    const where = text.toLowerCase();
    const whole = where.indexOf(wanted);
    if (whole >= 0) {
      return whole === 0 || /\W/.test(where[whole - 1]) ? 0 : 1;
    }
    let place = -1;
    let gaps = 2;
    for (const letter of wanted.replaceAll(" ", "")) {
      const found = where.indexOf(letter, place + 1);
      if (found < 0) {
        return null;
      }
      gaps += found - place - 1;
      place = found;
    }
    return gaps;
  };

  // `items` is a promise: the dialog opens at once, so that no letter typed meanwhile acts on the page.
  desk.choose = async (dialog, items, { label, note, pick }) => {
    let known = [];
    let entered = false;
    const search = dialog.querySelector("input[type=search]");
    const list = dialog.querySelector("ul");
    const draw = () => {
      const wanted = search.value.trim().toLowerCase();
      const found = known
        .map((item, place) => ({ item, place, far: distance(wanted, label(item)) }))
        .filter((one) => one.far !== null)
        .sort((one, other) => one.far - other.far || one.place - other.place)
        .slice(0, 50);
      list.replaceChildren(
        ...found.map(({ item }) => {
          const row = document.createElement("li");
          const button = document.createElement("button");
          button.type = "button";
          button.textContent = label(item);
          const quiet = document.createElement("span");
          quiet.className = "quiet";
          quiet.textContent = note(item);
          button.append(" ", quiet);
          button.addEventListener("click", () => {
            dialog.close();
            pick(item);
          });
          row.append(button);
          return row;
        }),
      );
    };
    const buttons = () => [...list.querySelectorAll("button")];
    dialog.onkeydown = (event) => {
      const place = buttons().indexOf(document.activeElement);
      if (event.key === "Enter" && event.target === search) {
        event.preventDefault();
        entered = !buttons().length;
        buttons()[0]?.click();
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        const next = place + (event.key === "ArrowDown" ? 1 : -1);
        (next < 0 ? search : buttons()[next])?.focus();
      }
    };
    search.value = "";
    search.oninput = () => {
      entered = false;
      draw();
    };
    list.replaceChildren();
    dialog.showModal();
    search.focus();
    known = await items;
    draw();
    if (entered) {
      buttons()[0]?.click();
    }
  };

  const listed = async (url, name) => (await (await fetch(url)).json())[name];

  desk.jump = () => {
    const dialog = document.getElementById("jump-dialog");
    desk.choose(dialog, listed(dialog.dataset.papers, "papers"), {
      label: (paper) => paper.name,
      note: (paper) => paper.state,
      pick: (paper) => desk.go(paper.url),
    });
  };

  // Where the cursor was in the feedback, for the dialog takes the focus away.
  const insert = (text) => {
    const field = document.getElementById("id_feedback");
    const before = field.value.slice(0, field.selectionStart);
    const gap = before && !/\s$/.test(before) ? " " : "";
    field.focus();
    field.setRangeText(gap + text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  desk.comment = () => {
    if (!desk.form()) {
      return;
    }
    const dialog = document.getElementById("comment-dialog");
    document.getElementById("comment-keep").disabled = !document.getElementById("id_feedback").value.trim();
    desk.choose(dialog, listed(dialog.dataset.comments, "comments"), {
      label: (comment) => comment.text,
      note: () => "",
      pick: (comment) => insert(comment.text),
    });
  };

  document.addEventListener("click", async (event) => {
    if (event.target.closest("#comment-open")) {
      desk.comment();
    } else if (event.target.closest("#comment-keep")) {
      const dialog = document.getElementById("comment-dialog");
      const body = new FormData();
      body.append("csrfmiddlewaretoken", desk.token());
      body.append("text", document.getElementById("id_feedback").value);
      await fetch(dialog.querySelector("a").href, { method: "POST", body });
      dialog.close();
      desk.comment();
    }
  });
}
