// Slack's Node SDK as a client: calls the methods one by one and prints what it
// got, one JSON object a line.
import { LogLevel, WebClient } from "@slack/web-api";

const client = new WebClient(process.env.SLACK_BOT_TOKEN, { slackApiUrl: process.env.SLACK_API_URL, logLevel: LogLevel.ERROR });
const print = (name, value) => console.log(JSON.stringify({ name, value }));
const attempt = async (name, f) => {
  try {
    print(name, await f());
  } catch (e) {
    print(name, { code: e.code, error: e.data?.error, messages: e.data?.response_metadata?.messages });
  }
};

await attempt("auth.test", () => client.auth.test());
await attempt("users.list", async () => {
  const ids = [];
  for await (const page of client.paginate("users.list", { limit: 2 })) {
    ids.push(...page.members.map((m) => m.id));
  }
  return ids;
});
await attempt("users.info", () => client.users.info({ user: "U0DANA" }));
await attempt("users.lookupByEmail", () => client.users.lookupByEmail({ email: "nobody@acme.example" }));
await attempt("usergroups.users.list", () => client.usergroups.users.list({ usergroup: "S0SRE" }));
await attempt("conversations.open", () => client.conversations.open({ users: "U0DANA" }));
await attempt("conversations.info", () => client.conversations.info({ channel: "C0PROD" }));
await attempt("chat.postMessage", () => client.chat.postMessage({
  channel: "C0PROD", text: "hello", blocks: [{ type: "divider" }],
}));
await attempt("bad blocks", () => client.chat.postMessage({
  channel: "C0PROD", text: "hello",
  blocks: [{ type: "actions", elements: [{ type: "button", text: { type: "plain_text", text: "x" }, disabled: true }] }],
}));
await attempt("unknown method", () => client.apiCall("calls.add", {}));
await attempt("rate limited once", () => client.chat.getPermalink({ channel: "C0PROD", message_ts: process.env.TS }));
