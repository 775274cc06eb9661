// @ts-check
// The page's end of the live channel (live.py), one socket for all views: `live(server, name, request)` answers as
// `server[name](request)` does, but faster; it falls back to that while there is no socket, and tries to open one again when the
// last has closed.
import { appUrl } from "./link.js";

const SILENCE = 20_000; // milliseconds after which a socket is taken for dead; a decoder that is being loaded may take some
const AGAIN = 500; // ... before the next one is tried; twice as long after each that could not be had
const AT_MOST = 10_000;

/** @type {WebSocket | null} */
let socket = null;
/** @type {{resolve: (answer: any) => void, reject: (error: Error) => void}[]} */
let replies = [];
let again = AGAIN;
let retryAfter = document.documentElement.dataset.static === undefined ? 0 : Infinity; // a page without a server has none

/** Opens the channel if there is none. */
function openSocket() {
  if (socket || performance.now() < retryAfter) return;
  const address = appUrl("live");
  address.protocol = address.protocol.replace("http", "ws");
  address.search = "";
  try {
    socket = new WebSocket(address);
  } catch {
    retryAfter = Infinity;
    return;
  }
  const mine = socket;
  socket.onmessage = event => replies.shift()?.resolve(JSON.parse(event.data));
  socket.onopen = () => { again = AGAIN; };
  socket.onclose = () => lose(mine);
}

/** @param {WebSocket} lost */
function lose(lost) {
  if (socket !== lost) return; // given up before
  socket = null;
  retryAfter = performance.now() + again;
  again = Math.min(2 * again, AT_MOST);
  for (const { reject } of replies.splice(0)) reject(new Error("the live channel closed"));
}

/** @param {Record<string, (request: any) => Promise<any>>} server @param {string} name @param {any} request */
export async function live(server, name, request) {
  openSocket();
  const channel = socket;
  if (channel?.readyState !== WebSocket.OPEN) return server[name](request);
  const timer = setTimeout(() => { channel.close(); lose(channel); }, SILENCE);
  try {
    return await new Promise((resolve, reject) => {
      replies.push({ resolve, reject }); // answers come in the order of the questions
      channel.send(JSON.stringify([name, request]));
    });
  } catch {
    return server[name](request);
  } finally {
    clearTimeout(timer);
  }
}

openSocket(); // with the page, so that it is there by the first question
