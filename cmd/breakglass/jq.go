package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/itchyny/gojq"
)

// readJQ reads the filter before anything is sent; nil where there is none.
func readJQ(in curling) (*gojq.Code, error) {
	if in.jq == "" {
		return nil, nil //nolint:nilnil // no filter is fine
	}
	if in.include {
		return nil, misused("-i and --jq do not go together: jq reads the body alone")
	}
	q, err := gojq.Parse(in.jq)
	if err != nil {
		return nil, misused("--jq: %v", err)
	}
	code, err := gojq.Compile(q)
	if err != nil {
		return nil, misused("--jq: %v", err)
	}
	return code, nil
}

// throughJQ prints what a filter makes of each value of an answer.
func throughJQ(ctx context.Context, code *gojq.Code, from io.Reader, to io.Writer) error {
	dec := json.NewDecoder(from)
	dec.UseNumber()
	for {
		var v any
		switch err := dec.Decode(&v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("--jq: the answer is no JSON, or broke off: %w", err)
		}
		for all := code.RunWithContext(ctx, v); ; {
			x, more := all.Next()
			if !more {
				break
			}
			if err, is := x.(error); is {
				if halt, ok := errors.AsType[*gojq.HaltError](err); ok && halt.Value() == nil {
					return nil
				}
				return fmt.Errorf("--jq: %w", err)
			}
			if err := printJQ(to, x); err != nil {
				return err
			}
		}
	}
}

// printJQ prints a value as jq does, with indentation.
func printJQ(to io.Writer, v any) error {
	b, err := gojq.Marshal(v)
	if err != nil {
		return fmt.Errorf("--jq: %w", err)
	}
	var out json.RawMessage = b
	if b, err = json.MarshalIndent(out, "", "  "); err != nil {
		return fmt.Errorf("--jq: %w", err)
	}
	_, err = to.Write(append(b, '\n'))
	return err
}
