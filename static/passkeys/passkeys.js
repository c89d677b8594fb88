/* Passkeys: asks the browser by the scripts of django-allauth, which are loaded before; only on pages with a passkey. */
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const ids = { credential: form.elements.credential.id, data: "js_data", passwordless: "id_passwordless" };
  for (const action of ["add", "authenticate", "login"]) ids[action] = form.querySelector("button").id;
  window.allauth.webauthn.forms[form.dataset.passkey]({ ids });
}
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.querySelector("[data-passkey-failed]").hidden = false;
});
