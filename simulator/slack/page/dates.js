// Times in the reader's own zone, in the forms that <!date^…> knows.

const FORMS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
};

function near(moment, form) {
  const days = Math.round((startOfDay(moment) - startOfDay(new Date())) / 86400000);
  const name = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
  return name ?? moment.toLocaleDateString("en", Object.hasOwn(FORMS, form) ? FORMS[form] : FORMS.date);
}

const startOfDay = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());

function ago(moment) {
  const seconds = Math.round((moment - Date.now()) / 1000);
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units[3];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** Fill in the tokens of a <!date^…> format. */
export function formatted(seconds, format) {
  const moment = new Date(Number(seconds) * 1000);
  return format.replace(/\{(\w+)\}/g, (whole, token) => {
    if (token === "ago") return ago(moment);
    if (token.endsWith("_pretty")) return near(moment, token.slice(0, -7));
    if (Object.hasOwn(FORMS, token)) return moment.toLocaleString("en", FORMS[token]);
    return whole;
  });
}

export const clock = (ts) => formatted(Math.floor(Number(ts)), "{time}");
export const exact = (ts) => formatted(Math.floor(Number(ts)), "{date_long}, {time_secs}");
