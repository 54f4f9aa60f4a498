const element = (id) => document.getElementById(id);
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 10_000;
/** A connection that has held so long was a good one: the next loss starts from the shortest pause again. */
const HELD_MS = 3000;
const MESSAGES_MAX = 500;

/** The way back to one room: connects, and after a loss connects again, each time after a longer pause. */
class Connection {
  #address;
  #onMessage;
  #onState;
  #socket;
  #timer;
  #pauseMs = RETRY_FIRST_MS;

  constructor(address, { onMessage, onState }) {
    this.#address = address;
    this.#onMessage = onMessage;
    this.#onState = onState;
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#onState("connecting");
    const socket = new WebSocket(this.#address);
    let openedAt;
    socket.onopen = () => {
      openedAt = performance.now();
      this.#onState("connected");
    };
    socket.onmessage = ({ data }) => this.#onMessage(JSON.parse(data));
    socket.onclose = () => {
      if (openedAt !== undefined && performance.now() - openedAt > HELD_MS) this.#pauseMs = RETRY_FIRST_MS;
      // Everybody has lost the same server: chance keeps them from coming back all at once.
      const pauseMs = this.#pauseMs * (0.5 + Math.random());
      this.#pauseMs = Math.min(this.#pauseMs * 2, RETRY_MAX_MS);
      this.#timer = setTimeout(() => this.#connect(), pauseMs);
      this.#onState("reconnecting");
    };
    this.#socket = socket;
  }

  /** Does not wait out the pause: there is reason to believe that it works now. */
  retryNow() {
    if (this.#timer !== undefined) this.#connect();
  }

  /** @returns whether it could be sent; what is sent while there is no connection would be lost */
  send(text) {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  close() {
    clearTimeout(this.#timer);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(1000);
  }
}

let connection;
let myName;
/** Messages that are shown already: after a reconnection some come again. */
let shown = new Set();

function enter() {
  connection?.close();
  shown = new Set();
  element("messages").replaceChildren();
  showMembers([]);
  const links = [...element("rooms").children];
  const current = links.find((link) => link.hash === location.hash) ?? links[0];
  for (const link of links) link.removeAttribute("aria-current");
  current.setAttribute("aria-current", "page");
  element("room").textContent = current.textContent;
  document.title = `${current.textContent} · Chat`;
  myName = element("name").value;

  const address = new URL(`chat/rooms/${current.hash.slice(1)}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("name", element("name").value);
  connection = new Connection(address, { onMessage, onState });
}

function onState(state) {
  element("state").textContent = state;
  element("state").classList.toggle("live", state === "connected");
  element("say").querySelector("button").disabled = state !== "connected";
}

function onMessage(message) {
  switch (message.kind) {
    case "welcome":
      if (shown.size > 0) note("connected again");
      myName = message.name;
      element("state").dataset.worker = message.worker;
      for (const each of message.recent) showMessage(each);
      note(`you are here as ${message.name}`);
      showMembers(message.members);
      break;
    case "said":
      showMessage(message);
      break;
    case "members":
      note(message.came === undefined ? `${message.gone} has left` : `${message.came} has come`);
      showMembers(message.members);
      break;
  }
}

function showMembers(names) {
  element("count").textContent = names.length;
  element("members").replaceChildren(...names.map((name) => {
    const row = document.createElement("li");
    row.textContent = name === myName ? `${name} (you)` : name;
    return row;
  }));
}

function showMessage({ id, name, text, when }) {
  if (shown.has(id)) return;
  shown.add(id);
  const time = new Date(when * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const row = document.createElement("li");
  const head = document.createElement("small");
  head.textContent = `${name}, ${time}`;
  row.append(head, text);
  row.classList.toggle("mine", name === myName);
  append(row);
}

function note(text) {
  const row = document.createElement("li");
  row.className = "note";
  row.textContent = text;
  append(row);
}

/** Adds a row and stays at the end, unless the reader has scrolled back. */
function append(row) {
  const list = element("messages");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(row);
  while (list.children.length > MESSAGES_MAX) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

element("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = element("text");
  if (field.value.trim() !== "" && connection.send(field.value)) field.value = "";
});
element("me").addEventListener("submit", (event) => {
  event.preventDefault();
  localStorage.setItem("name", element("name").value);
  enter();
  element("text").focus();
});
addEventListener("hashchange", enter);
addEventListener("online", () => connection.retryNow());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) connection.retryNow();
});

element("name").value = localStorage.getItem("name") ?? `Guest ${Math.floor(Math.random() * 900) + 100}`;
enter();
