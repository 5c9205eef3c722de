// A client of a SavedModel in Node: node saved_model_client.js SAVED_MODEL < requests.json
// Requests are [{signature, inputs: {name: {shape, dtype, values}}}]; a line of JSON answers each.

const fs = require("fs");
const tf = require("@tensorflow/tfjs-node");

async function answer(path, { signature, inputs }) {
  const model = await tf.node.loadSavedModel(path, ["serve"], signature);
  const tensors = {};
  for (const [name, { shape, dtype, values }] of Object.entries(inputs))
    tensors[name] = tf.tensor(values.map(Number), shape, dtype);
  try {
    const found = {};
    for (const [name, value] of Object.entries(model.predict(tensors)))
      found[name] = { shape: value.shape, values: Array.from(await value.data()) };
    return found;
  } catch (error) {
    return { error: error.message };
  }
}

async function main() {
  for (const request of JSON.parse(fs.readFileSync(0)))
    console.log(JSON.stringify(await answer(process.argv[2], request)));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
