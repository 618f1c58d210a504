// An OpenID Connect provider for the tests: `node provider.js PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI…`.
// Whoever signs in as NAME has the address NAME@example.org; it is verified unless NAME begins with "new".
import { Provider } from "oidc-provider";

const [port, clientId, clientSecret, ...redirectUris] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUris }],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: !id.startsWith("new") }),
  }),
  pkce: { required: () => true },
  cookies: { keys: ["of-tests"] },
});
provider.on("server_error", (_, error) => console.error(error));
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
