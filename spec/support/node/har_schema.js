// Checks a HAR file against the JSON Schemas of HAR 1.2: node har_schema.js FILE. Prints what is wrong with it.
'use strict';
const fs = require('fs');
process.env.NODE_PATH = '/usr/share/nodejs'; // where Debian puts modules; only its own node looks there by itself
require('module').Module._initPaths();
const Ajv = require('ajv');
const schemas = require('har-schema');

const ajv = new Ajv({ allErrors: true, format: 'full' });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-06.json'));
ajv.addSchema(Object.values(schemas));
if (!ajv.validate('har.json', JSON.parse(fs.readFileSync(process.argv[2], 'utf8')))) {
  console.log(ajv.errorsText(ajv.errors, { separator: '\n' }));
  process.exit(1);
}
