// Asks for news every second and changes only what is new: a player that plays goes on playing.
"use strict";

async function ask() {
  const figures = document.getElementById("figures");
  const answer = await fetch("news?since=" + encodeURIComponent(figures.dataset.revision), { cache: "no-store" });
  if (answer.status === 204) return;
  if (!answer.ok) throw new Error("status " + answer.status);
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text(); // escaped by the server, as the whole page is
  figures.replaceWith(fresh.content.getElementById("figures"));
  document.getElementById("empty").replaceWith(fresh.content.getElementById("empty"));
  mergeCalls(document.getElementById("calls"), fresh.content.getElementById("calls"));
}

function mergeCalls(list, fresh) {
  const present = new Map(Array.from(list.children, (item) => [item.id, item]));
  let place = list.firstElementChild;
  for (const item of Array.from(fresh.children)) {
    const old = present.get(item.id);
    present.delete(item.id);
    if (old && old.dataset.version === item.dataset.version) {
      // Calls never change their order, so an item that stays is already in its place: it is not moved.
      place = old.nextElementSibling;
    } else if (old) {
      place = old.nextElementSibling;
      old.replaceWith(item);
    } else {
      item.classList.add("new");
      list.insertBefore(item, place);
    }
  }
  for (const gone of present.values()) gone.remove();
}

async function watch() {
  const link = document.getElementById("link");
  try {
    if (!document.hidden) await ask();
    link.textContent = "live";
    link.classList.remove("lost");
  } catch {
    link.textContent = "sandbox is not answering";
    link.classList.add("lost");
  }
  setTimeout(watch, 1000);
}

setTimeout(watch, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask().catch(() => {}); });
