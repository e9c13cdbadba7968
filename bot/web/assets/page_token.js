// Hands the token to the page that asked for it, and to no other.
const { origin, token, seconds } = document.getElementById("given").dataset;
if (window.opener) {
  window.opener.postMessage({ breakglass: { token, seconds: Number(seconds) } }, origin);
  window.close();
}
