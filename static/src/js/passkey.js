// Says in words why a passkey did not work; the library would only write to the console.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const refused = event.detail.exception?.name === "NotAllowedError";
  const line = document.createElement("p");
  line.className = "govuk-error-message";
  line.setAttribute("role", "alert");
  line.dataset.passkeyProblem = "";
  line.textContent = refused
    ? "The passkey was not used: it was cancelled, or this device has none for this service."
    : "The passkey could not be used. Try again, or use another way.";
  document.querySelector("[data-passkey-problem]")?.remove();
  const button = document.querySelector(
    "#passkey_login, #mfa_webauthn_authenticate, #mfa_webauthn_reauthenticate, #mfa_webauthn_add",
  );
  button?.before(line);
});
