//! Lines, lexed one by one.

use super::super::variables::Variables;
use super::*;
use crate::databases::psql::variables::Value;

#[test]
fn parts_of_a_line_are_found_in_the_script() {
    let script = "SELECT 1\n  \\; SELECT :x FROM t;";
    let mut variables = Variables::default();
    variables.set("x", Some(Value::Known("22".to_owned())));
    let sight = Sight { variables: &variables, certain: true };
    let mut lexer = Lexer::new(script);
    assert!(lexer.next_line());
    assert_eq!(lexer.scan(Some(&sight)), Ok(Stop::EndOfLine));
    assert!(lexer.is_complete());
    assert!(lexer.next_line());
    assert_eq!(lexer.scan(Some(&sight)), Ok(Stop::Semicolon));
    let query = lexer.take_query();
    assert_eq!(query.text(), "SELECT 1\n  ; SELECT 22 FROM t;");
    let place = |part: &str| {
        let at = query.text().find(part).unwrap();
        query.place(&(at..at + part.len())).map(|place| &script[place])
    };
    assert_eq!(place("SELECT 1\n  "), Some("SELECT 1\n  "));
    assert_eq!(place("; SELECT "), Some("; SELECT "));
    assert_eq!(place("22"), None);
    assert_eq!(place(" FROM t"), Some(" FROM t"));
    assert!(!lexer.next_line());
}

#[test]
fn a_command_inside_a_variable_has_no_line() {
    let mut variables = Variables::default();
    variables.set("x", Some(Value::Known("\\d".to_owned())));
    let sight = Sight { variables: &variables, certain: true };
    let mut lexer = Lexer::new(":x");
    assert!(lexer.next_line());
    assert_eq!(lexer.scan(Some(&sight)), Ok(Stop::Backslash));
    assert_eq!(lexer.command(), None);
}
