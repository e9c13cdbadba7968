package pagerdutyfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
)

// CustomField is a field that incidents have beside the usual ones.
type CustomField struct {
	ID          string `json:"id,omitempty"`
	Name        string `json:"name"`
	DisplayName string `json:"display_name,omitempty"`
	// DataType is boolean, integer, float, string, datetime or url; string if empty.
	DataType string `json:"data_type,omitempty"`
	// FieldType is single_value or multi_value (a "tag" field); single if empty.
	FieldType string `json:"field_type,omitempty"`
}

// AddCustomField defines a field for all incidents.
func (a *Account) AddCustomField(f CustomField) (CustomField, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.Name == "" {
		return f, fmt.Errorf("custom field: a name is needed; not added")
	}
	if f.ID == "" {
		f.ID = a.resourceID()
	}
	if f.DataType == "" {
		f.DataType = "string"
	}
	if f.FieldType == "" {
		f.FieldType = "single_value"
	}
	if f.DisplayName == "" {
		f.DisplayName = f.Name
	}
	a.fields.put(f.ID, &f)
	a.notify()
	return f, nil
}

func (c *call) fieldValues(i *Incident) []any {
	out := []any{}
	for _, f := range c.a.fields.all() {
		out = append(out, f.shape(i.Fields[f.Name]))
	}
	return out
}

func (f *CustomField) shape(value any) obj {
	return obj{
		"id": f.ID, "type": "field_value", "name": f.Name, "display_name": f.DisplayName, "description": nil,
		"data_type": f.DataType, "field_type": f.FieldType, "value": value,
	}
}

func getFieldValues(c *call) (answer, *apiError) {
	i, e := c.incident()
	if e != nil {
		return answer{}, e
	}
	return ok(obj{"custom_fields": c.fieldValues(i)})
}

// setFieldValues changes the named fields and no other. It needs no From.
func setFieldValues(c *call) (answer, *apiError) {
	i, e := c.incident()
	if e != nil {
		return answer{}, e
	}
	var in []struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Value any    `json:"value"`
	}
	if e := c.decode("custom_fields", &in); e != nil {
		return answer{}, e
	}
	changed := map[string]any{}
	for _, v := range in {
		f := c.a.field(v.ID, v.Name)
		if f == nil {
			return answer{}, fail(400, codeInvalidInput, fmt.Sprintf("Custom field %s%s does not exist", v.ID, v.Name))
		}
		if problem := f.check(v.Value); problem != "" {
			return answer{}, fail(400, codeInvalidInput, f.DisplayName+" "+problem)
		}
		changed[f.Name] = v.Value
	}
	maps.Copy(i.Fields, changed)
	i.UpdatedAt = c.now
	c.a.emitFields(i, changed, c.actor)
	c.a.notify()
	return answer{http.StatusCreated, obj{"custom_fields": c.fieldValues(i)}}, nil
}

func (a *Account) field(id, name string) *CustomField {
	for _, f := range a.fields.all() {
		if f.ID == id || id == "" && f.Name == name {
			return f
		}
	}
	return nil
}

// check says what is wrong with a value; null clears a field.
func (f *CustomField) check(v any) string {
	if v == nil {
		return ""
	}
	if f.FieldType == "multi_value" {
		list, is := v.([]any)
		if !is {
			return "must be a list"
		}
		for _, x := range list {
			if s, _ := x.(string); len(s) > 255 {
				return "values may have at most 255 characters"
			}
		}
		return ""
	}
	var valid bool
	switch f.DataType {
	case "boolean":
		_, valid = v.(bool)
	case "integer", "float":
		_, valid = v.(float64)
	default:
		s, is := v.(string)
		if valid = is; len(s) > 2000 {
			return "may have at most 2000 characters"
		}
	}
	if !valid {
		raw, _ := json.Marshal(v)
		return fmt.Sprintf("is of type %s and cannot be %s", f.DataType, raw)
	}
	return ""
}
