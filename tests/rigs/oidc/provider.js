// An OpenID Connect provider for the tests: oidc-provider with accounts of our own and two plain pages.
//
//   node provider.js '{"port": 0, "client": {...}, "accounts": [...], "seconds": {...}}'
//
// listens on 127.0.0.1 and prints its issuer as the first line; `tests/identity_services.py` says what goes in.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";

import Provider, { interactionPolicy } from "oidc-provider";

const told = JSON.parse(process.argv[2]);
const byLogin = new Map(told.accounts.map((account) => [account.login, account]));
const bySubject = new Map(told.accounts.map((account) => [account.sub, account]));

const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

function page(title, body) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title>
<main><h1>${escaped(title)}</h1>${body}</main></html>`;
}

function entrance(problem) {
  return page(
    "Sign in",
    `${problem ? `<p role="alert">${escaped(problem)}</p>` : ""}<form method="post">
<label>Login <input name="login" autocomplete="off" autofocus></label>
<button name="answer" value="yes">Sign in</button> <button name="answer" value="no">Cancel</button></form>`,
  );
}

function findAccount(_context, subject) {
  const account = bySubject.get(subject);
  return account && { accountId: subject, claims: () => account };
}

async function grantAll(context) {
  const { client, params, provider, session } = context.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

function policy() {
  const prompts = interactionPolicy.base();
  prompts.add(new interactionPolicy.Prompt({ name: "select_account", requestable: true }), 0);
  return prompts;
}

function configuration() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { session, token } = told.seconds;
  return {
    clients: [
      {
        client_id: told.client.id,
        client_secret: told.client.secret,
        redirect_uris: told.client.redirects,
        post_logout_redirect_uris: told.client.redirects,
      },
    ],
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["name", "preferred_username"],
      groups: ["groups"],
    },
    conformIdTokenClaims: told.lean, // true leaves all but the subject to the userinfo endpoint
    cookies: { keys: [randomBytes(32).toString("hex")] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          const yes = '<button name="logout" value="yes" form="op.logoutForm">Sign out</button>';
          context.body = page("Sign out?", form + yes);
        },
        postLogoutSuccessSource: (context) => {
          context.body = page("Signed out", "");
        },
      },
    },
    findAccount,
    interactions: { policy: policy(), url: (_context, { uid }) => `/interaction/${uid}` },
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "rig" }] },
    loadExistingGrant: grantAll,
    pkce: { required: () => true },
    renderError: (context, out) => {
      context.type = "html";
      context.body = page("Refused", `<p role="alert">${escaped(out.error)}: ${escaped(out.error_description)}</p>`);
    },
    ttl: {
      AccessToken: token,
      AuthorizationCode: 60,
      Grant: session,
      IdToken: token,
      Interaction: 600,
      Session: session,
    },
  };
}

async function answered(request) {
  let body = "";
  for await (const piece of request) body += piece;
  return new URLSearchParams(body);
}

async function interact(provider, request, response) {
  const { prompt } = await provider.interactionDetails(request, response);
  const html = (text) => response.setHeader("content-type", "text/html; charset=utf-8").end(text);
  if (request.method === "GET") return html(entrance());
  const answer = await answered(request);
  if (answer.get("answer") !== "yes") {
    const refusal = { error: "access_denied", error_description: "The person cancelled" };
    return provider.interactionFinished(request, response, refusal);
  }
  const account = byLogin.get(answer.get("login").trim());
  if (!account) return html(entrance("Nobody is called that."));
  const result = { [prompt.name]: {}, login: { accountId: account.sub } };
  return provider.interactionFinished(request, response, result);
}

const server = createServer();
server.listen(told.port, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration());
  const protocol = provider.callback();
  server.on("request", (request, response) => {
    if (!request.url.startsWith("/interaction/")) return protocol(request, response);
    return interact(provider, request, response).catch((error) => {
      response.statusCode = 400;
      response.end(String(error.error_description ?? error));
    });
  });
  console.log(issuer);
});
