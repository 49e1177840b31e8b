(function () {
  "use strict";
  // Everything here is a comfort: each page works wholly without it.
  document.documentElement.classList.add("js");

  function each(selector, act) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), act);
  }

  // Seconds since the page opened. A suspended computer has to find the right number when it wakes up.
  var opened = Date.now();
  function passed() {
    return Math.max(0, Math.floor((Date.now() - opened) / 1000));
  }

  function everySecond(act) {
    act();
    setInterval(act, 1000);
  }

  function clock(seconds) {
    var parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    if (!parts[0]) parts.shift();
    return parts.map(function (part, place) {
      return place && part < 10 ? "0" + part : String(part);
    }).join(":");
  }

  each("[data-countdown]", function (timer) {
    var wait = Number(timer.dataset.countdown);
    timer.hidden = false;
    everySecond(function () {
      var left = wait - passed();
      if (left > 0) timer.querySelector("span").textContent = clock(left);
      else if (timer.textContent !== timer.dataset.done) timer.textContent = timer.dataset.done;
    });
  });

  each("[data-step]", function (step) {
    var period = Number(step.dataset.period);
    var bar = step.querySelector("progress");
    bar.hidden = false;
    everySecond(function () {
      var left = (Number(step.dataset.step) - (passed() % period) + period - 1) % period + 1;
      bar.value = left;
      step.classList.toggle("few", left <= 5);
      var text = left <= 5 ? step.dataset.few : step.dataset.soon;
      step.querySelector("p").textContent = text.replace("{n}", left);
    });
  });

  each("[data-expires]", function (timer) {
    var good = Number(timer.dataset.expires);
    everySecond(function () {
      var left = good - passed();
      if (left > 0) timer.textContent = timer.dataset.left.replace("{time}", clock(left));
      else if (timer.textContent !== timer.dataset.over) {
        timer.textContent = timer.dataset.over;
        timer.classList.add("missing");
        var button = timer.parentNode.querySelector("button");
        button.className = "";
        each("[data-perishable]", function (old) { old.hidden = true; });
        button.focus();
      }
    });
  });

  // A whole code is sent at once, and no form twice. A box to tick comes after the code: such a form waits for its button.
  each("form", function (form) {
    form.addEventListener("submit", function (event) {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
      // A browser that got no answer lets the user try again.
      setTimeout(function () { delete form.dataset.sent; }, 5000);
    });
  });
  addEventListener("pageshow", function () {
    each("form", function (form) { delete form.dataset.sent; });
  });

  each("input.code", function (field) {
    var digits = Number(field.dataset.digits);
    function send(text) {
      var found = text.match(/\d/g) || [];
      if (found.length !== digits) return false;
      field.value = found.join("");
      if (!field.form.querySelector("[type=checkbox]") && field.form.requestSubmit) field.form.requestSubmit();
      return true;
    }
    field.addEventListener("input", function () {
      if (/^[\d \-]*$/.test(field.value)) send(field.value);
    });
    field.addEventListener("paste", function (event) {
      var text = event.clipboardData ? event.clipboardData.getData("text") : "";
      if (send(text)) event.preventDefault();
    });
  });

  each("[data-copy]", function (button) {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", function () {
      var source = document.getElementById(button.dataset.copy);
      navigator.clipboard.writeText(source.textContent).then(function () {
        button.parentNode.querySelector("[role=status]").textContent = button.dataset.done;
      }, function () {
        getSelection().selectAllChildren(source);
      });
    });
  });

  each("[data-print]", function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { print(); });
  });
})();
