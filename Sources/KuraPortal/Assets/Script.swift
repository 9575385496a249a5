enum Script {
    static var link: Link { asset.link }

    /// What pages do besides: live progress, local times. Without it everything still works.
    static let asset = Asset(
        "kura.js", type: "text/javascript; charset=utf-8",
        """
        "use strict";
        for (const time of document.querySelectorAll("time[datetime]")) {
          const moment = new Date(time.dateTime);
          if (!isNaN(moment)) {
            time.title = time.textContent;
            time.textContent = new Intl.DateTimeFormat(document.documentElement.lang,
              { dateStyle: "medium", timeStyle: "short" }).format(moment);
          }
        }
        for (const box of document.querySelectorAll("input[data-all]")) {
          box.addEventListener("change", () => {
            for (const other of box.form.elements[box.dataset.all] instanceof RadioNodeList
              ? box.form.elements[box.dataset.all] : [box.form.elements[box.dataset.all]])
              if (other && !other.disabled) other.checked = box.checked;
          });
        }
        for (const form of document.querySelectorAll("form[method=post]")) {
          form.addEventListener("submit", () => {
            for (const button of form.querySelectorAll("button"))
              button.setAttribute("aria-busy", "true");
          });
        }
        const source = document.body.dataset.live && window.EventSource
          ? new EventSource(document.body.dataset.live) : null;
        if (source) {
          let lost = null;
          const begun = {};
          source.addEventListener("open", () => { if (lost) { lost.remove(); lost = null; } });
          source.addEventListener("error", () => {
            if (lost) return;
            lost = document.createElement("p");
            lost.className = "toast warn";
            lost.setAttribute("role", "status");
            lost.textContent = document.body.dataset.lost;
            document.getElementById("toasts").append(lost);
          });
          source.addEventListener("job", (event) => {
            const job = JSON.parse(event.data);
            for (const row of document.querySelectorAll("[data-job='" + job.id + "']")) {
              const bar = row.querySelector("progress");
              if (bar) bar.value = job.progress;
              const text = row.querySelector("[data-percent]");
              if (text) text.textContent = Math.floor(job.progress * 100) + " %";
              if (job.over && row.dataset.state === "running") location.reload();
            }
            if (!begun[job.id] && document.querySelector("[data-jobs]")
              && !document.querySelector("[data-job='" + job.id + "']")) location.reload();
            begun[job.id] = true;
          });
          addEventListener("pagehide", () => source.close());
        }
        """)
}
