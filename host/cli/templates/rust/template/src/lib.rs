//! Writes the messages of campaigns: puts what is known of the recipient in place of `{{…}}`.

wit_bindgen::generate!({ path: "wit", world: "template-plugin" });

use exports::warbler::plugin::template_renderer::{Guest, Rendering};

struct Plugin;

impl Guest for Plugin {
    fn render(what: Rendering) -> Result<String, String> {
        let name = what.name.unwrap_or_default();
        let first = name.split(' ').next().unwrap_or_default();
        let mut text = what.template.replace("{{first}}", first);
        for (field, value) in &what.fields {
            text = text.replace(&format!("{{{{{field}}}}}"), value);
        }
        match text.contains("{{") {
            true => Err("the template has a field that the recipient has not".to_owned()),
            false => Ok(text),
        }
    }
}

export!(Plugin);
