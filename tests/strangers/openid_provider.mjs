// A real OpenID provider on loopback: node openid_provider.mjs PORT KEYS.json
// Tokens come by client credentials, for the audience that is asked for, signed with the first key of the file or with
// the algorithm that the audience names (urn:orders?PS256).
import fs from 'node:fs';
import Provider from 'oidc-provider';

const [port, file] = process.argv.slice(2);
const resource = (ctx, indicator) => {
  const [audience, alg] = indicator.split('?');
  return {
    audience,
    scope: 'orders:read orders:write',
    accessTokenFormat: 'jwt',
    accessTokenTTL: alg === 'short' ? 1 : 300,
    jwt: {sign: {alg: !alg || alg === 'short' ? 'ES256' : alg}},
  };
};
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{client_id: 'web', client_secret: 'secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: []}],
  features: {
    clientCredentials: {enabled: true},
    devInteractions: {enabled: false},
    resourceIndicators: {enabled: true, getResourceServerInfo: resource, defaultResource: () => 'urn:orders'},
  },
  scopes: ['orders:read', 'orders:write'],
  jwks: JSON.parse(fs.readFileSync(file, 'utf8')),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
