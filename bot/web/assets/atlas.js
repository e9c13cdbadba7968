// Calls adapters from a page of another origin, which the adapter's configuration lists:
//
//   import { atlasProxyFetch } from "https://breakglass.acme.example/assets/atlas.js";
//   const response = await atlasProxyFetch("/v1/apis/http/pagerduty/incidents");
//
// The first call opens a window in which the person says yes, so it must follow a click.
// What the page gets is a token for this origin, good for 15 minutes and kept in memory.
// It is also there as globalThis.atlasProxyFetch.

const home = new URL(import.meta.url).origin;
const root = "/v1/apis/http/";

let held = null; // { token, until }
let asking = null;

// atlasProxyFetch is fetch, for paths below /v1/apis/http/.
export async function atlasProxyFetch(path, init = {}) {
  const address = new URL(path, home);
  if (address.origin !== home || !address.pathname.startsWith(root)) {
    throw new TypeError(`atlasProxyFetch: write a path like ${root}pagerduty/incidents`);
  }
  const response = await send(address, init);
  if (response.status !== 401 || response.headers.get("Breakglass-Answer") === "upstream") {
    return response;
  }
  held = null; // it was ended; ask once more
  return send(address, init);
}

async function send(address, init) {
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${await token()}`);
  return fetch(address, { ...init, headers, mode: "cors", credentials: "omit", redirect: "error" });
}

function token() {
  if (held && Date.now() < held.until) {
    return Promise.resolve(held.token);
  }
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

// ask opens the window, and waits for what it says.
function ask() {
  const address = `${home}/pages?origin=${encodeURIComponent(location.origin)}`;
  const popup = window.open(address, "breakglass", "popup,width=560,height=640");
  if (!popup) {
    return Promise.reject(new DOMException("The browser did not open the window that asks; call atlasProxyFetch from a click.", "NotAllowedError"));
  }
  return new Promise((resolve, reject) => {
    const over = () => { clearInterval(watch); window.removeEventListener("message", heard); };
    const heard = (event) => {
      const given = event.data?.breakglass;
      if (event.origin !== home || event.source !== popup || typeof given?.token !== "string") {
        return;
      }
      over();
      held = { token: given.token, until: Date.now() + (given.seconds - 5) * 1000 };
      resolve(held.token);
    };
    const watch = setInterval(() => {
      if (popup.closed) {
        over();
        reject(new DOMException("The window was closed, and this page was not let in.", "NotAllowedError"));
      }
    }, 500);
    window.addEventListener("message", heard);
  });
}

globalThis.atlasProxyFetch ??= atlasProxyFetch;
