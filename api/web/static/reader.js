// Times and numbers in the reader's language and time zone.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const formats = {
  clock: new Intl.DateTimeFormat(undefined, { timeStyle: "medium" }),
  day: new Intl.DateTimeFormat(undefined, { dateStyle: "full" }),
  minute: new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }),
  exact: new Intl.DateTimeFormat(undefined, {
    year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit",
    fractionalSecondDigits: 3, timeZoneName: "short",
  }),
};
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const numbers = new Intl.NumberFormat();
const units = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

// The server writes days in the zone that this cookie names.
export function begin() {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `ordertrail_zone=${encodeURIComponent(zone)}; path=/ui; max-age=31536000; samesite=lax${secure}`;
  setInterval(() => write(document, "time[data-form=ago]"), 30_000);
}

export function write(root, only = "time[data-form], data[value]") {
  for (const element of root.querySelectorAll(only)) {
    if (element.matches("time")) writeTime(element);
    else writeNumber(element);
  }
}

function writeTime(element) {
  const moment = new Date(element.dateTime), form = element.dataset.form;
  if (Number.isNaN(moment.getTime())) return;
  element.textContent = form === "ago" ? ago(moment) : formats[form].format(moment);
  element.title = formats.exact.format(moment);
}

function ago(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return relative.format(Math.round(seconds / size), unit);
}

function writeNumber(element) {
  const { currency } = element.dataset;
  if (!currency) { element.textContent = numbers.format(element.value); return; }
  try {
    element.textContent = new Intl.NumberFormat(undefined, { style: "currency", currency }).format(element.value);
  } catch { /* a currency that this browser does not know stays as the server wrote it */ }
}
