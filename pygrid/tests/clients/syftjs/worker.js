"use strict";

// Let syft.js take part in one cycle. Resolves to what became of it; the diff is in base64.
globalThis.takePart = async ({ url, model, version, token, data, labels }) => {
  // Without `verbose` syft.js insists on TLS.
  const worker = new syft.Syft({ url, authToken: token, verbose: true });
  const job = await worker.newJob({ modelName: model, modelVersion: version });
  return new Promise((resolve, reject) => {
    const train = async ({ model, clientConfig }) => {
      const [loss, , ...trained] = await job.plans.training_plan.execute(
        worker,
        tf.tensor(data),
        tf.tensor(labels),
        clientConfig.batch_size,
        clientConfig.lr,
        ...model.params.map((parameter) => parameter.clone()),
      );
      const diff = await model.createSerializedDiff(trained);
      await job.report(diff);
      const text = Array.from(new Uint8Array(diff), (byte) => String.fromCharCode(byte)).join("");
      return { status: "reported", loss: (await loss.data())[0], diff: btoa(text) };
    };
    job.on("accepted", (accepted) => train(accepted).then(resolve, reject));
    job.on("rejected", ({ timeout }) => resolve({ status: "rejected", timeout }));
    job.on("error", reject);
    job.start();
  });
};
