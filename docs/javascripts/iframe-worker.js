// Search when the pages are opened as files: browsers start no workers there, so its program runs in a hidden frame.
// The file has this name because the theme's plugin for pages without a server would load one from the network otherwise.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      this.started = new Promise((started) => {
        frame.onload = () => started(this.start(frame.contentWindow, url));
      });
      document.documentElement.append(frame);
    }

    start(inside, url) {
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const program = inside.document.createElement("script");
      program.src = url;
      const loaded = new Promise((done) => (program.onload = () => done(inside)));
      inside.document.documentElement.append(program);
      return loaded;
    }

    postMessage(data) {
      this.started.then((inside) => inside.dispatchEvent(new inside.MessageEvent("message", { data })));
    }
  };
}
