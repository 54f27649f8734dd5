import { setting } from "./settings";

let audio: AudioContext | undefined;
const shown = new Map<string, Notification>();

/** Browsers let a page sound only after a person has used it: from the first gesture on it may. */
export function allowSound(): void {
  if (typeof AudioContext === "undefined") {
    return;
  }
  audio ??= new AudioContext();
  if (audio.state === "suspended") {
    void audio.resume();
  }
}

/** announceOffer sounds once, and shows a notification if nobody looks at the page. It names no customer: notifications show on locked screens. */
export function announceOffer(offerId: string, title: string, body: string): void {
  if (setting("sound")) {
    beep();
  }
  if (!document.hidden || !setting("notifications")) {
    return;
  }
  if (typeof Notification === "undefined" || Notification.permission !== "granted") {
    return;
  }
  const notification = new Notification(title, { body, tag: offerId, icon: "/favicon.svg" });
  notification.onclick = () => {
    window.focus();
    notification.close();
  };
  shown.set(offerId, notification);
}

/** closeNotifications takes away the notifications of offers that are not live any more. */
export function closeNotifications(live: readonly string[]): void {
  for (const [offerId, notification] of shown) {
    if (!live.includes(offerId)) {
      notification.close();
      shown.delete(offerId);
    }
  }
}

/** Two soft tones, 0.3 s. */
function beep(): void {
  if (audio?.state !== "running") {
    return;
  }
  for (const [i, frequency] of [660, 880].entries()) {
    const start = audio.currentTime + i * 0.14;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.12, start + 0.02);
    volume.gain.linearRampToValueAtTime(0, start + 0.16);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.17);
  }
}
