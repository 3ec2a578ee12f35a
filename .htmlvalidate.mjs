// Every rule that html-validate recommends, save what is a matter of taste or of how Django writes.
export default {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // Lines that hold a template's tag alone leave blanks; packed for the way they weigh nothing.
    "no-trailing-whitespace": "off",
    // A phone number may break: on a narrow screen with large letters it has to.
    "tel-non-breaking": "off",
    // The frame that a wide table scrolls in is a region for the keyboard, not a section of the text.
    "prefer-native-element": ["error", { exclude: ["region"] }],
    // On a phone a wide table is shown as cards: without roles some browsers no longer call it a table then.
    "no-redundant-role": "off",
    // Checkboxes of one question share its name, as radio buttons do.
    "form-dup-name": ["error", { shared: ["radio", "checkbox", "button", "reset", "submit"] }],
  },
};
