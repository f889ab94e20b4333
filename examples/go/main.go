// SPDX-License-Identifier: Apache-2.0

// A name with five or more consonants in a row was hardly chosen by a person.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

const suspiciousRun = 5

type verdict struct {
	IsMalicious         string `json:"is_malicious"`
	LongestConsonantRun int    `json:"longest_consonant_run"`
}

func longestConsonantRun(host string) int {
	name := strings.ToLower(host)
	if end := strings.LastIndexByte(name, '.'); end >= 0 {
		name = name[:end]
	}
	longest, run := 0, 0
	for _, letter := range name {
		if strings.ContainsRune("bcdfghjklmnpqrstvwxz", letter) {
			run++
		} else {
			run = 0
		}
		if run > longest {
			longest = run
		}
	}
	return longest
}

func reply(response http.ResponseWriter, status int, body any) {
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(status)
	json.NewEncoder(response).Encode(body)
}

func apply(response http.ResponseWriter, request *http.Request) {
	host := request.URL.Query().Get("host")
	if host == "" {
		reply(response, http.StatusBadRequest, map[string]string{"error": "the argument host is missing"})
		return
	}
	run := longestConsonantRun(host)
	answer := verdict{"legit", run}
	if run >= suspiciousRun {
		answer.IsMalicious = "malicious"
	}
	reply(response, http.StatusOK, answer)
}

// announce tells the platform where the model answers; the rename makes the file appear complete or not at all.
func announce(url string) error {
	text := fmt.Sprintf("{\"url\":%q,\"functions\":{\"apply\":\"apply\"}}\n", url)
	if err := os.WriteFile("endpoint.dat.new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename("endpoint.dat.new", "endpoint.dat")
}

func main() {
	address := os.Getenv("BIND_ADDRESS")
	if address == "" {
		address = "127.0.0.1"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/apply", apply)
	if err := announce(fmt.Sprintf("http://%s:%d", address, listener.Addr().(*net.TCPAddr).Port)); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, nil))
}
