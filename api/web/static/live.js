// Live pages: filled in when there is a stream of hints.
export function begin() {}
