package pagerdutyfake

import "net/http"

// subscriptionInput is a subscription as clients send it.
type subscriptionInput struct {
	Type        string   `json:"type"`
	Active      *bool    `json:"active"`
	Description *string  `json:"description"`
	Events      []string `json:"events"`
	Filter      *struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"filter"`
	Delivery *struct {
		Type    string `json:"type"`
		URL     string `json:"url"`
		Headers []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"custom_headers"`
	} `json:"delivery_method"`
}

// onto writes what was sent over a subscription.
func (in subscriptionInput) onto(s *Subscription) {
	if in.Active != nil {
		s.Inactive = !*in.Active
	}
	if in.Description != nil {
		s.Description = *in.Description
	}
	if in.Events != nil {
		s.Events = in.Events
	}
	if in.Filter != nil {
		s.FilterType, s.FilterID = in.Filter.Type, in.Filter.ID
	}
}

func listSubscriptions(c *call) (answer, *apiError) {
	kind, id := c.q.Get("filter_type"), c.q.Get("filter_id")
	if (kind == "service" || kind == "team") && id == "" {
		return answer{}, fail(400, codeMissingArguments, "filter_id is required for filter_type "+kind)
	}
	found := pick(c.a.hooks.all(), func(s *Subscription) bool {
		return (kind == "" || s.FilterType == kind+"_reference") && (id == "" || s.FilterID == id)
	})
	return page(c, "webhook_subscriptions", found, 25, 100, func(s *Subscription) any { return s.shape(c.now, false) })
}

func createSubscription(c *call) (answer, *apiError) {
	var in subscriptionInput
	if e := c.decode("webhook_subscription", &in); e != nil {
		return answer{}, e
	}
	if in.Type != "webhook_subscription" || in.Delivery == nil || in.Delivery.Type != "http_delivery_method" || in.Filter == nil {
		return answer{}, fail(400, codeInvalidInput, "type, delivery_method, events and filter are required")
	}
	s := Subscription{URL: in.Delivery.URL, Headers: map[string]string{}, Events: []string{}}
	in.onto(&s)
	for _, h := range in.Delivery.Headers {
		if _, twice := s.Headers[h.Name]; twice {
			return answer{}, fail(400, codeInvalidInput, "custom_headers: names must be unique")
		}
		s.Headers[h.Name] = h.Value
	}
	if e := c.a.subscribe(&s); e != nil {
		return answer{}, e
	}
	return ok(obj{"webhook_subscription": s.shape(c.now, true)})
}

// subscription finds the subscription of the path.
func (c *call) subscription() (*Subscription, *apiError) {
	if s := c.a.hooks.get(c.vars["id"]); s != nil {
		return s, nil
	}
	return nil, fail(404, codeNotFound)
}

func getSubscription(c *call) (answer, *apiError) {
	s, e := c.subscription()
	if e != nil {
		return answer{}, e
	}
	return ok(obj{"webhook_subscription": s.shape(c.now, false)})
}

// updateSubscription cannot change the delivery method.
func updateSubscription(c *call) (answer, *apiError) {
	s, e := c.subscription()
	if e != nil {
		return answer{}, e
	}
	var in subscriptionInput
	if e := c.decode("webhook_subscription", &in); e != nil {
		return answer{}, e
	}
	if in.Delivery != nil {
		return answer{}, fail(400, codeInvalidInput, "delivery_method cannot be updated")
	}
	changed := *s
	in.onto(&changed)
	if e := c.a.checkSubscription(&changed); e != nil {
		return answer{}, e
	}
	*s = changed
	c.a.notify()
	return ok(obj{"webhook_subscription": s.shape(c.now, false)})
}

func deleteSubscription(c *call) (answer, *apiError) {
	if !c.a.hooks.remove(c.vars["id"]) {
		return answer{}, fail(404, codeNotFound)
	}
	c.a.notify()
	return noContent()
}

func pingSubscription(c *call) (answer, *apiError) {
	s, e := c.subscription()
	if e != nil {
		return answer{}, e
	}
	c.a.emitPing(s)
	return answer{http.StatusAccepted, nil}, nil
}

func enableSubscription(c *call) (answer, *apiError) {
	s, e := c.subscription()
	if e != nil {
		return answer{}, e
	}
	c.a.enable(s)
	return ok(obj{"webhook_subscription": s.shape(c.now, false)})
}
