/** Before the studio opens: no key, a wrong key, a stream that is not there. */

import { t } from "../../page.js";
import { html, nothing } from "../../../vendor/lit.js";
import { icons } from "../icons.js";
import { Access } from "../server_state.js";

function words(access) {
  if (access === Access.WRONG_KEY)
    return {
      title: t("This link's key is not valid"),
      text: t("It may have been replaced, or it belongs to another stream. Ask whoever sent it for the newest one, and paste it here."),
    };
  if (access === Access.UNKNOWN)
    return {
      title: t("There is no such stream here"),
      text: t("Check the link with whoever sent it to you."),
    };
  return {
    title: t("Open the studio with your invitation link"),
    text: t("Your team sent you a link that ends in a key. Open that link, or paste it here."),
  };
}

function submit(desk, event) {
  event.preventDefault();
  const field = event.target.elements.link;
  desk.enter(field.value);
  field.value = "";
}

export function gate(desk) {
  if (desk.access === Access.CHECKING) {
    return html`<div class="gate" role="status">
      <span class="spinner"></span>
      <p class="muted">${t("Opening your studio…")}</p>
    </div>`;
  }
  const { title, text } = words(desk.access);
  const wrong = desk.access === Access.WRONG_KEY;
  return html`<div class="gate">
    <form class="card" @submit=${(event) => submit(desk, event)}>
      <span class="emblem">${wrong ? icons.warn : icons.link}</span>
      <h2>${title}</h2>
      <p class="muted" role=${wrong ? "alert" : nothing}>${text}</p>
      ${desk.access === Access.UNKNOWN
        ? html`<a class="button wide" href="/">${t("See all candidates")}</a>`
        : html`<div class="field">
              <label for="link">${t("Invitation link or key")}</label>
              <input
                class="input"
                id="link"
                name="link"
                type="password"
                required
                autocomplete="off"
                spellcheck="false"
                dir="ltr"
              />
              <p class="hint">${t("It is hidden as you paste it, and stays in this tab.")}</p>
            </div>
            <button type="submit" class="button primary wide">${t("Open the studio")}</button>`}
    </form>
  </div>`;
}
