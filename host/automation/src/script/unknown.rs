//! Names that do not exist, found before a script runs.
//!
//! Rhai looks functions up when they are called, so a misspelt one would show at some message only.
//! Here every call and every name of a script is compared with what there is. What cannot be known
//! before (a method of a map's own) is left to the run.

use std::collections::{BTreeSet, HashMap, HashSet};

use rhai::{AST, ASTNode, Engine, Expr, FnCallExpr, Position, Stmt};

use super::{book, failure};

/// Functions of the language itself; their arguments are looked at when they run.
const OF_THE_LANGUAGE: [&str; 10] = [
    "call",
    "curry",
    "Fn",
    "type_of",
    "print",
    "debug",
    "is_def_var",
    "is_def_fn",
    "is_shared",
    "to_string",
];

/// The functions of an engine: with how many arguments each can be called.
pub(super) struct Known {
    all: Counts,
    /// Those that the reference tells of, which may have the name of something that is said to rules.
    told: Counts,
    /// How each of those is written.
    ways: HashMap<String, Vec<String>>,
}

type Counts = HashMap<String, BTreeSet<usize>>;

/// A name that does not exist.
pub(super) struct Mistake {
    pub(super) message: String,
    pub(super) place: Position,
}

impl Known {
    pub(super) fn of(engine: &Engine) -> Self {
        let all = engine.collect_fn_metadata(
            None,
            |info| {
                let metadata = info.metadata;
                let is_told = book::tells(metadata);
                Some((metadata.name.to_string(), metadata.num_params, is_told))
            },
            true,
        );
        let (mut known, mut told) = (Counts::new(), Counts::new());
        for (name, parameters, is_told) in all {
            if is_told {
                told.entry(name.clone()).or_default().insert(parameters);
            }
            known.entry(name).or_default().insert(parameters);
        }
        let mut ways: HashMap<String, Vec<String>> = HashMap::new();
        for entry in book::entries(engine) {
            let name = entry.signature.split('(').next().unwrap_or_default();
            let way = format!("`{}`", entry.signature);
            ways.entry(name.to_owned()).or_default().push(way);
        }
        Self {
            all: known,
            told,
            ways,
        }
    }

    /// What is wrong with a call that is written like this, `name (type, type)`, of a function there
    /// is; nothing when there is none.
    pub(super) fn misused(&self, call: &str) -> Option<String> {
        let (name, types) = call.split_once(" (")?;
        if !self.all.contains_key(name) || super::rules::is_said(name) {
            return None;
        }
        let types = types.trim_end_matches(')').split(", ");
        let given: Vec<&str> = types.map(failure::kind_of).collect();
        let given = given.join(", ");
        let ways = self.ways.get(name).map(Vec::as_slice).unwrap_or_default();
        Some(match ways {
            [] => format!("`{name}` cannot be used with ({given})"),
            ways => format!(
                "`{name}` cannot be used with ({given}); there is {}",
                ways.join(" and ")
            ),
        })
    }

    /// With how many arguments a function can be called by its name, or behind its first argument.
    fn counts(&self, name: &str, is_method: bool) -> Option<&BTreeSet<usize>> {
        let is_said = !is_method && super::rules::is_said(name);
        let told = self.told.get(name).filter(|_| is_said);
        told.or_else(|| self.all.get(name))
    }
}

/// The first name in a script, or a module, that does not exist.
pub(super) fn mistake(known: &Known, ast: &AST) -> Option<Mistake> {
    let own = Own::of(ast);
    let mut found: Option<Mistake> = None;
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        let mistake = path.last().and_then(|node| own.look_at(known, node));
        if let Some(mistake) = mistake {
            let place = |mistake: &Mistake| (mistake.place.line(), mistake.place.position());
            let first = found
                .as_ref()
                .is_none_or(|found| place(&mistake) < place(found));
            if first {
                found = Some(mistake);
            }
        }
        true
    });
    found
}

/// The one of `known` that was meant by `name`, if one is near.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, _)| *distance <= name.chars().count() / 3 + 1)
        .map(|(_, known)| known)
}

/// What a script defines itself.
#[derive(Default)]
struct Own {
    functions: HashMap<String, BTreeSet<usize>>,
    /// Names of its top level.
    top: HashSet<String>,
    /// Everything it calls something: variables, parameters, properties of maps. One of them may
    /// hold a function.
    names: HashSet<String>,
}

impl Own {
    fn of(ast: &AST) -> Self {
        let mut own = Self::default();
        for function in ast.iter_functions() {
            let parameters = own.functions.entry(function.name.to_owned()).or_default();
            parameters.insert(function.params.len());
            own.names
                .extend(function.params.iter().map(|name| (*name).to_owned()));
        }
        for statement in ast.statements() {
            match statement {
                Stmt::Var(definition, ..) => {
                    own.top.insert(definition.0.name.to_string());
                }
                Stmt::Import(import, _) => {
                    own.top.insert(import.1.name.to_string());
                }
                _ => {}
            }
        }
        ast.walk(&mut |path: &[ASTNode<'_>]| {
            if let Some(node) = path.last() {
                own.note(node);
            }
            true
        });
        own
    }

    fn note(&mut self, node: &ASTNode<'_>) {
        match node {
            ASTNode::Stmt(Stmt::Var(definition, ..)) => {
                self.names.insert(definition.0.name.to_string());
            }
            ASTNode::Stmt(Stmt::For(definition, _)) => {
                self.names.insert(definition.0.name.to_string());
            }
            ASTNode::Expr(Expr::Property(property, _)) => {
                self.names.insert(property.2.to_string());
            }
            ASTNode::Expr(Expr::Map(map, _)) => {
                let keys = map.0.iter().map(|(key, _)| key.name.to_string());
                self.names.extend(keys);
            }
            ASTNode::Expr(Expr::DynamicConstant(value, _)) => {
                if let Ok(map) = value.as_map_ref() {
                    self.names.extend(map.keys().map(ToString::to_string));
                }
            }
            _ => {}
        }
    }

    fn look_at(&self, known: &Known, node: &ASTNode<'_>) -> Option<Mistake> {
        match node {
            ASTNode::Stmt(Stmt::FnCall(call, place)) => self.function(known, call, false, *place),
            ASTNode::Stmt(Stmt::Import(import, place)) => {
                let is_text = matches!(import.0, Expr::StringConstant(..));
                (!is_text).then(|| Mistake {
                    message: "the module to import is named by a text in quotes".to_owned(),
                    place: *place,
                })
            }
            ASTNode::Expr(Expr::FnCall(call, place)) => self.function(known, call, false, *place),
            ASTNode::Expr(Expr::MethodCall(call, place)) => {
                self.function(known, call, true, *place)
            }
            ASTNode::Expr(Expr::Variable(variable, short, place)) => {
                let (long, name, namespace, _) = &**variable;
                let is_local = long.is_some() || short.is_some();
                let has_it = is_local
                    || !namespace.is_empty()
                    || self.top.contains(name.as_str())
                    || super::rules::is_word(name);
                (!has_it).then(|| self.variable(name, *place))
            }
            _ => None,
        }
    }

    fn variable(&self, name: &str, place: Position) -> Mistake {
        let all = self.top.iter().chain(&self.names).map(String::as_str);
        let message = match nearest(name, all) {
            Some(meant) => format!("there is no `{name}`; did you mean `{meant}`?"),
            None => format!("there is no `{name}`; a name is made by `let {name} = …`"),
        };
        Mistake { message, place }
    }

    fn function(
        &self,
        known: &Known,
        call: &FnCallExpr,
        is_method: bool,
        place: Position,
    ) -> Option<Mistake> {
        let name = call.name.as_str();
        let is_word = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !call.namespace.is_empty() || !is_word || OF_THE_LANGUAGE.contains(&name) {
            return None;
        }
        let given = call.args.len() + usize::from(is_method);
        let native = known.counts(name, is_method);
        let own = self.functions.get(name);
        let fits = native.is_some_and(|counts| counts.contains(&given))
            || own
                .is_some_and(|counts| counts.contains(&call.args.len()) || counts.contains(&given));
        if fits || self.names.contains(name) {
            return None;
        }
        let counts: BTreeSet<usize> = native.into_iter().chain(own).flatten().copied().collect();
        let message = if counts.is_empty() {
            let all = known.all.keys().chain(self.functions.keys());
            match nearest(name, all.map(String::as_str)) {
                Some(meant) => format!("there is no function `{name}`; did you mean `{meant}`?"),
                None => format!("there is no function `{name}`"),
            }
        } else {
            let noun = if counts.iter().all(|count| *count == 1) {
                "argument"
            } else {
                "arguments"
            };
            let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
            let counts = counts.join(" or ");
            let beside = if is_method {
                ", with what stands before the point"
            } else {
                ""
            };
            format!("`{name}` takes {counts} {noun}, and here are {given}{beside}")
        };
        Some(Mistake { message, place })
    }
}
