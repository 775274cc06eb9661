// The page's end of the live channel (live.py): `live(name, request)` answers as `server[name](request)` does, but faster; it falls
// back to that while there is no socket, and tries to open one again when the last has closed.

let socket = null, replies = [], retryAfter = 0;

function openSocket() {
  if (socket || performance.now() < retryAfter) return;
  const address = new URL("live", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  address.search = "";
  try { socket = new WebSocket(address); } catch { retryAfter = Infinity; return; }
  socket.onmessage = event => replies.shift()?.resolve(JSON.parse(event.data));
  socket.onclose = () => {
    socket = null;
    retryAfter = performance.now() + 5000;
    for (const { reject } of replies.splice(0)) reject(new Error("the live channel closed"));
  };
}

async function live(name, request) {
  openSocket();
  if (socket?.readyState !== WebSocket.OPEN) return server[name](request);
  try {
    return await new Promise((resolve, reject) => {
      replies.push({ resolve, reject }); // answers come in the order of the questions
      socket.send(JSON.stringify([name, request]));
    });
  } catch { return server[name](request); }
}
openSocket();
