// A Bolt app as its users write it: commands, modals, buttons, menus, shortcuts
// and events. node_test.go drives it through the simulator.
import bolt from "@slack/bolt";

const { App, LogLevel } = bolt;
const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  signingSecret: process.env.SLACK_SIGNING_SECRET,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
  logLevel: LogLevel.ERROR,
});

const plain = (text) => ({ type: "plain_text", text });

app.command("/access", async ({ command, ack, client, respond }) => {
  if (command.text === "help") {
    await ack({ response_type: "ephemeral", text: "usage: /access" });
    return;
  }
  if (command.text === "later") {
    await ack();
    await respond({ response_type: "in_channel", text: `later for <@${command.user_id}>` });
    return;
  }
  await ack();
  await client.views.open({
    trigger_id: command.trigger_id,
    view: {
      type: "modal", callback_id: "ask", title: plain("Access"), submit: plain("Ask"), notify_on_close: true,
      blocks: [
        { type: "input", block_id: "target", label: plain("Target"),
          element: { type: "external_select", action_id: "pick", min_query_length: 0 } },
        { type: "input", block_id: "reason", label: plain("Reason"),
          element: { type: "plain_text_input", action_id: "text" } },
      ],
    },
  });
});

app.options("pick", async ({ options, ack }) => {
  const all = ["prod", "staging"].filter((v) => v.startsWith(options.value));
  await ack({ options: all.map((v) => ({ text: plain(v), value: v })) });
});

app.view("ask", async ({ ack, view, body, client }) => {
  const reason = view.state.values.reason.text.value;
  if (reason.length < 5) {
    await ack({ response_action: "errors", errors: { reason: "say a little more" } });
    return;
  }
  await ack();
  await client.chat.postMessage({
    channel: body.user.id, text: "asked",
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: `${view.state.values.target.pick.selected_option.value}: ${reason}` } },
      { type: "actions", block_id: "decide", elements: [
        { type: "button", action_id: "approve", value: "r1", text: plain("Approve"), style: "primary" }] },
    ],
  });
});

app.view({ callback_id: "ask", type: "view_closed" }, async ({ ack, body, client }) => {
  await ack();
  await client.chat.postMessage({ channel: body.user.id, text: "closed" });
});

app.action("approve", async ({ ack, body, action, client, respond }) => {
  await ack();
  await client.chat.update({
    channel: body.channel.id, ts: body.message.ts, text: `approved ${action.value}`, blocks: [],
  });
  await respond({ text: "thank you" });
});

app.shortcut("request", async ({ shortcut, ack, client }) => {
  await ack();
  await client.chat.postMessage({ channel: shortcut.user.id, text: `shortcut ${shortcut.type}` });
});

app.event("app_home_opened", async ({ event, client }) => {
  await client.views.publish({
    user_id: event.user,
    view: { type: "home", blocks: [{ type: "section", text: { type: "mrkdwn", text: "*Welcome*" } }] },
  });
});

const server = await app.start({ port: 0, host: "127.0.0.1" });
console.log(`listening ${server.address().port}`);
