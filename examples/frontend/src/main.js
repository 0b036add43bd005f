import { AuthenticationDetails, CognitoUser, CognitoUserPool } from "amazon-cognito-identity-js";

import configuration from "./aws-exports.js";

const pool = new CognitoUserPool({
  UserPoolId: configuration.aws_user_pools_id,
  ClientId: configuration.aws_user_pools_web_client_id,
  endpoint: configuration.Auth.endpoint,
});
const form = document.querySelector("#sign-in");
const status = document.querySelector("#status");
const signOut = document.querySelector("#sign-out");

function show(session) {
  form.hidden = Boolean(session);
  signOut.hidden = !session;
  status.textContent = session
    ? `Signed in as ${session.getIdToken().payload["cognito:username"]}.`
    : "Signed out.";
}

// The password stays here: SRP proves it to Cognito.
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { username, password } = Object.fromEntries(new FormData(form));
  new CognitoUser({ Username: username, Pool: pool }).authenticateUser(
    new AuthenticationDetails({ Username: username, Password: password }),
    {
      onSuccess: show,
      onFailure: (error) => {
        status.textContent = error.message;
      },
    },
  );
});

signOut.addEventListener("click", () => {
  pool.getCurrentUser()?.signOut();
  show(null);
});

// Whoever has signed in before, in this browser, still is.
const user = pool.getCurrentUser();
if (user) {
  user.getSession((error, session) => show(error ? null : session));
}
