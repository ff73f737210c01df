//! Modules: what a script imports, from its own folder and while it is loaded.
//!
//! A host reads the folder before (see `registry::sources`), so an `import` opens no file; a name is
//! looked up among those that were read. Functions of a module see the names of its top level.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rhai::{
    AST, ASTNode, Engine, EvalAltResult, Expr, ImmutableString, Module, ModuleResolver, Position,
    Scope, Shared, Stmt,
};

use super::current::{self, Names};
use super::failure;
use super::unknown::{self, Known};
use crate::effects::Halt;
use crate::fault::Fault;
use crate::registry::ModuleText;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// What is known while a script is loaded.
pub(super) struct Loading {
    texts: Arc<[ModuleText]>,
    known: Arc<Known>,
    wall: Duration,
    /// Those that are being read, each imported by the one before.
    under_way: Vec<String>,
    names: HashMap<String, Names>,
    /// The import that was refused.
    refused: Option<String>,
}

impl Loading {
    pub(super) fn new(texts: Arc<[ModuleText]>, known: Arc<Known>, wall: Duration) -> Self {
        Self {
            texts,
            known,
            wall,
            under_way: Vec::new(),
            names: HashMap::new(),
            refused: None,
        }
    }

    pub(super) fn constant(&self, module: &str, name: &str) -> Option<rhai::Dynamic> {
        self.names.get(module)?.get(name).cloned()
    }

    /// What the top levels of the modules defined.
    pub(super) fn into_names(self) -> HashMap<String, Names> {
        self.names
    }

    /// A fault that says no place, at the import that was refused: those of the script itself are
    /// looked up before it runs, where Rhai says none.
    pub(super) fn at_import(&self, fault: Fault, engine: &Engine, source: &str) -> Fault {
        let (Some(path), Ok(ast)) = (&self.refused, engine.compile(source)) else {
            return fault;
        };
        let mut found = None;
        ast.walk(&mut |nodes: &[ASTNode<'_>]| {
            if let Some(ASTNode::Stmt(Stmt::Import(import, place))) = nodes.last()
                && matches!(&import.0, Expr::StringConstant(name, _) if name == path)
            {
                found.get_or_insert(*place);
            }
            found.is_none()
        });
        match found {
            Some(place) => failure::at(fault, source, place),
            None => fault,
        }
    }

    fn begin(&mut self, path: &str) -> Result<(Arc<str>, Arc<Known>), String> {
        let found = self.find(path);
        if found.is_err() {
            self.refused = Some(path.to_owned());
        }
        found
    }

    fn find(&mut self, path: &str) -> Result<(Arc<str>, Arc<Known>), String> {
        let Some(found) = self.texts.iter().find(|one| one.name == path) else {
            return Err(self.missing(path));
        };
        if self.under_way.iter().any(|name| name == path) {
            let way: Vec<&str> = self.under_way.iter().map(String::as_str).collect();
            let way = way.join(" → ");
            return Err(format!("modules import one another: {way} → {path}"));
        }
        let text = Arc::clone(&found.text);
        self.under_way.push(path.to_owned());
        Ok((text, Arc::clone(&self.known)))
    }

    fn missing(&self, path: &str) -> String {
        if path.contains(['/', '\\', '.']) {
            return "a module is named without a path: `import \"words\" as words` reads words.rhai in the \
                    script's own folder"
                .to_owned();
        }
        let near = unknown::nearest(path, self.texts.iter().map(|one| one.name.as_str()));
        match near {
            Some(meant) => format!("there is no module `{path}`; did you mean `{meant}`?"),
            None => format!(
                "there is no module `{path}`; put {path}.rhai into a folder beside the script that has its name"
            ),
        }
    }
}

/// Finds modules in the script's own folder.
pub(super) struct OwnFolder;

impl ModuleResolver for OwnFolder {
    fn resolve(
        &self,
        engine: &Engine,
        _source: Option<&str>,
        path: &str,
        place: Position,
    ) -> Answer<Shared<Module>> {
        let begun = current::with(|call| match &mut call.loading {
            Some(loading) => loading.begin(path).map(|begun| (begun, loading.wall)),
            None => Err("modules are imported at the top level of a script".to_owned()),
        });
        let begun = begun.unwrap_or_else(|| Err("there is no script to import it".to_owned()));
        let ((text, known), wall) = begun.map_err(|message| refused(message, place))?;
        current::begin_again(wall);
        let made = module(engine, path, &text, &known);
        current::with(|call| call.loading.as_mut().map(|loading| loading.under_way.pop()));
        made.map(Shared::new)
            .map_err(|error| EvalAltResult::ErrorInModule(path.to_owned(), error, place).into())
    }
}

fn module(engine: &Engine, path: &str, text: &str, known: &Known) -> Answer<Module> {
    let mut ast: AST = engine.compile(text)?;
    ast.set_source(ImmutableString::from(path));
    if let Some(mistake) = unknown::mistake(known, &ast) {
        return Err(refused(mistake.message, mistake.place));
    }
    let mut scope = Scope::new();
    engine.run_ast_with_scope(&mut scope, &ast)?;
    let names = names_of(&scope);
    current::with(|call| {
        let loading = call.loading.as_mut();
        loading.map(|loading| loading.names.insert(path.to_owned(), names))
    });
    Module::eval_ast_as_new(Scope::new(), &ast, engine)
}

/// What a top level defined.
pub(super) fn names_of(scope: &Scope<'_>) -> Names {
    scope
        .iter()
        .map(|(name, _constant, value)| (name.to_owned(), value))
        .collect()
}

/// Ends the loading with the fault `script-unknown`.
fn refused(message: String, place: Position) -> Box<EvalAltResult> {
    current::with(|call| {
        call.halted = Some(Halt {
            code: "script-unknown",
            message,
        });
    });
    EvalAltResult::ErrorTerminated("script-unknown".into(), place).into()
}
