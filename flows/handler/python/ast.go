package python

import "math/big"

// Pos is a place in the source: line and column from 1, columns counted in runes.
type Pos struct{ Line, Col int }

// Start is where a node begins; nodes embed Pos to have it.
func (p Pos) Start() Pos { return p }

// Error is one thing that is wrong with the source. Hint says what to write instead.
type Error struct {
	Pos
	Message string
	Hint    string
}

// File is a whole source file.
type File struct{ Body []Stmt }

// Stmt is a statement.
type Stmt interface {
	Start() Pos
	stmt()
}

// Expr is an expression.
type Expr interface {
	Start() Pos
	expr()
}

// The statements.
type (
	// ExprStmt is an expression that stands alone.
	ExprStmt struct {
		Pos
		X Expr
	}
	// Assign is "a = b = value"; a type annotation is dropped.
	Assign struct {
		Pos
		Targets []Expr
		Op      Pos
		Value   Expr
	}
	// AugAssign is "target op= value"; Op is "+", "**", ….
	AugAssign struct {
		Pos
		Target Expr
		Op     string
		OpPos  Pos
		Value  Expr
	}
	// If is one condition; elif is an If alone in Else.
	If struct {
		Pos
		Cond    Expr
		Body    []Stmt
		ElsePos Pos
		Else    []Stmt
	}
	// While is a loop.
	While struct {
		Pos
		Cond Expr
		Body []Stmt
		Else []Stmt
	}
	// For is a loop over Iter.
	For struct {
		Pos
		Target Expr
		Iter   Expr
		Body   []Stmt
		Else   []Stmt
	}
	// FuncDef is a function with its decorators.
	FuncDef struct {
		Pos
		Name       *Name
		Params     []Param
		Decorators []Expr
		Body       []Stmt
	}
	// ClassDef is a class.
	ClassDef struct {
		Pos
		Name       *Name
		Bases      []Arg
		Decorators []Expr
		Body       []Stmt
	}
	// Return ends a function; Value may be nil.
	Return struct {
		Pos
		Value Expr
	}
	// Branch is pass, break or continue.
	Branch struct {
		Pos
		Word string
	}
	// Import is "import a.b as c, d".
	Import struct {
		Pos
		Names []ImportName
	}
	// FromImport is "from module import a as b".
	FromImport struct {
		Pos
		Module    string
		ModulePos Pos
		Names     []ImportName
	}
	// Raise raises an exception; both parts may be nil.
	Raise struct {
		Pos
		X, From Expr
	}
	// Try is try with its handlers.
	Try struct {
		Pos
		Body     []Stmt
		Handlers []Except
		Else     []Stmt
		Finally  []Stmt
	}
	// With is "with a as b, c: body".
	With struct {
		Pos
		Items []WithItem
		Body  []Stmt
	}
	// Assert is "assert cond, msg"; Msg may be nil.
	Assert struct {
		Pos
		Cond, Msg Expr
	}
	// Del is "del a, b".
	Del struct {
		Pos
		Targets []Expr
	}
	// Scope is "global a" or "nonlocal a".
	Scope struct {
		Pos
		Word  string
		Names []*Name
	}
)

// ImportName is one name of an import; As is empty where it keeps its own. Name is
// "*" for all of them.
type ImportName struct {
	Pos
	Name string
	As   string
}

// Except is one handler of a try; Type may be nil, As may be nil.
type Except struct {
	Pos
	Type Expr
	As   *Name
	Body []Stmt
}

// WithItem is one manager of a with; As may be nil.
type WithItem struct {
	X  Expr
	As Expr
}

// Param is one parameter. Stars is 1 for *args (Name nil for a bare *), 2 for **kwargs.
type Param struct {
	Pos
	Name    *Name
	Stars   int
	Default Expr
}

// The expressions.
type (
	// Name is an identifier.
	Name struct {
		Pos
		ID string
	}
	// Const is None, True, False or "...".
	Const struct {
		Pos
		Word string
	}
	// Num is a number; exactly one of Int and Float counts, as IsFloat says.
	Num struct {
		Pos
		Text    string
		IsFloat bool
		Int     *big.Int
		Float   float64
	}
	// Str is a string or bytes literal, adjacent literals joined.
	Str struct {
		Pos
		Text  string
		Bytes bool
	}
	// FString is an f-string.
	FString struct {
		Pos
		Parts []FPart
	}
	// Attr is X.Name.
	Attr struct {
		Pos
		X       Expr
		Dot     Pos
		Name    string
		NamePos Pos
	}
	// Index is X[I].
	Index struct {
		Pos
		X      Expr
		Lbrack Pos
		I      Expr
	}
	// Slice is X[Lo:Hi:Step]; the three may be nil.
	Slice struct {
		Pos
		X            Expr
		Lbrack       Pos
		Lo, Hi, Step Expr
	}
	// Call is Fn(Args).
	Call struct {
		Pos
		Fn     Expr
		Lparen Pos
		Args   []Arg
	}
	// Unary is "not", "-", "+" or "~".
	Unary struct {
		Pos
		Op string
		X  Expr
	}
	// Binary is an arithmetic operator, "and" or "or".
	Binary struct {
		Pos
		X     Expr
		Op    string
		OpPos Pos
		Y     Expr
	}
	// Compare is a comparison, chained where Rest has more than one.
	Compare struct {
		Pos
		X    Expr
		Rest []Comparison
	}
	// Cond is "Then if Test else Else".
	Cond struct {
		Pos
		Test, Then, Else Expr
	}
	// Lambda is a function in an expression.
	Lambda struct {
		Pos
		Params []Param
		Body   Expr
	}
	// Sequence is a list "[", tuple "(" or set "{" display.
	Sequence struct {
		Pos
		Open  byte
		Items []Expr
	}
	// Dict is a dict display; a nil key marks "**value".
	Dict struct {
		Pos
		Keys, Values []Expr
	}
	// Comp is a comprehension: "[" list, "{" set, ":" dict (Value is then set), "("
	// generator.
	Comp struct {
		Pos
		Kind       byte
		Elt, Value Expr
		Clauses    []Clause
	}
	// Starred is "*x" where it may stand.
	Starred struct {
		Pos
		X Expr
	}
)

// FPart is one piece of an f-string: text, or an expression with its conversion ('r',
// 's', 'a' or 0) and format spec (nil where none is given).
type FPart struct {
	Pos
	Text string
	X    Expr
	Conv byte
	Spec []FPart
}

// Arg is one argument of a call. Name is set for name=x; Stars is 1 or 2 for *x, **x.
type Arg struct {
	Pos
	Name  string
	Stars int
	X     Expr
}

// Comparison is one step of a comparison; Op is "<", "is not", "not in", ….
type Comparison struct {
	Op    string
	OpPos Pos
	Y     Expr
}

// Clause is one "for" of a comprehension with its conditions.
type Clause struct {
	Pos
	Target Expr
	Iter   Expr
	Ifs    []Expr
}

func (*ExprStmt) stmt()   {}
func (*Assign) stmt()     {}
func (*AugAssign) stmt()  {}
func (*If) stmt()         {}
func (*While) stmt()      {}
func (*For) stmt()        {}
func (*FuncDef) stmt()    {}
func (*ClassDef) stmt()   {}
func (*Return) stmt()     {}
func (*Branch) stmt()     {}
func (*Import) stmt()     {}
func (*FromImport) stmt() {}
func (*Raise) stmt()      {}
func (*Try) stmt()        {}
func (*With) stmt()       {}
func (*Assert) stmt()     {}
func (*Del) stmt()        {}
func (*Scope) stmt()      {}

func (*Name) expr()     {}
func (*Const) expr()    {}
func (*Num) expr()      {}
func (*Str) expr()      {}
func (*FString) expr()  {}
func (*Attr) expr()     {}
func (*Index) expr()    {}
func (*Slice) expr()    {}
func (*Call) expr()     {}
func (*Unary) expr()    {}
func (*Binary) expr()   {}
func (*Compare) expr()  {}
func (*Cond) expr()     {}
func (*Lambda) expr()   {}
func (*Sequence) expr() {}
func (*Dict) expr()     {}
func (*Comp) expr()     {}
func (*Starred) expr()  {}
