/* The page works without this. It shows a passkey in the list as soon as it was added. */

document.addEventListener("otp_webauthn.register_complete", () => location.reload());
