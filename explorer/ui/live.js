// The page's end of the live channel (live.py): `live(name, request)` answers as `server[name](request)` does, but faster; it falls
// back to that while there is no socket, and tries to open one again when the last has closed.

const SILENCE = 20_000; // milliseconds after which a socket is taken for dead; a decoder that is being loaded may take some
let socket = null, replies = [], retryAfter = 0;

function openSocket() {
  if (socket || performance.now() < retryAfter) return;
  const address = new URL("live", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  address.search = "";
  try { socket = new WebSocket(address); } catch { retryAfter = Infinity; return; }
  socket.onmessage = event => replies.shift()?.resolve(JSON.parse(event.data));
  const mine = socket;
  socket.onclose = () => {
    if (socket !== mine) return; // given up before
    socket = null;
    retryAfter = performance.now() + 5000;
    for (const { reject } of replies.splice(0)) reject(new Error("the live channel closed"));
  };
}

async function live(name, request) {
  openSocket();
  if (socket?.readyState !== WebSocket.OPEN) return server[name](request);
  const asked = socket, timer = setTimeout(() => asked.onclose(asked.close()), SILENCE);
  try {
    return await new Promise((resolve, reject) => {
      replies.push({ resolve, reject }); // answers come in the order of the questions
      socket.send(JSON.stringify([name, request]));
    });
  } catch { return server[name](request); } finally { clearTimeout(timer); }
}
openSocket();
