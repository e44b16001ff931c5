// Talks to the simulator: one live feed in, small acts out.

/** Do something in the workspace; a refusal comes back as an Error with a sentence. */
export async function act(name, said) {
  const answer = await fetch(`/page/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(said),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}

/** Follow what one person sees of one channel; call the result to stop. */
export function follow(viewer, channel, onView, onConnected) {
  const feed = new EventSource(`/page/events?${new URLSearchParams({ as: viewer, channel })}`);
  feed.onopen = () => onConnected(true);
  feed.onerror = () => onConnected(false);
  feed.onmessage = (event) => onView(JSON.parse(event.data));
  return () => feed.close();
}
