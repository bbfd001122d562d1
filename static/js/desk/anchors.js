/* Comments on words of the answer: select them, press m, write. Places are counted in characters as Python counts
   them, without the numbers of other comments. */
"use strict";

{
  // How many characters of the answer stand before a point of the page.
  const place = (part, node, offset) => {
    const range = document.createRange();
    range.setStart(part, 0);
    range.setEnd(node, offset);
    const before = range.cloneContents();
    before.querySelectorAll("sup").forEach((number) => number.remove());
    return Number(part.dataset.start) + [...before.textContent].length;
  };
  const chosen = () => {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) {
      return null;
    }
    const range = selection.getRangeAt(0);
    const part = (node) => (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest(".answer [data-start]");
    const [first, last] = [part(range.startContainer), part(range.endContainer)];
    if (!first || !last) {
      return null;
    }
    return {
      start: place(first, range.startContainer, range.startOffset),
      end: place(last, range.endContainer, range.endOffset),
      words: selection.toString(),
    };
  };

  desk.anchor = () => {
    const dialog = document.getElementById("anchor-dialog");
    const words = dialog && chosen();
    if (!words || words.end <= words.start) {
      return;
    }
    const form = document.getElementById("anchor-form");
    form.elements.start.value = words.start;
    form.elements.end.value = words.end;
    document.getElementById("anchor-quote").textContent = words.words;
    dialog.showModal();
    form.elements.text.focus();
  };

  // A click on the button must not take the selection away before it is read.
  document.addEventListener("pointerdown", (event) => {
    if (event.target.closest("#anchor-open")) {
      event.preventDefault();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#anchor-open")) {
      desk.anchor();
    } else if (event.target.closest("#anchor-close")) {
      document.getElementById("anchor-dialog").close();
    }
  });
}
